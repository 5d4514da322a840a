// imapflow: what a web mail client of today does. Prints one line of JSON; arguments: port, login, password.
import { createRequire } from "node:module";
import process from "node:process";

const [port, login, password, folder] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { ImapFlow } = require("imapflow");

const client = new ImapFlow({
  host: "127.0.0.1", port: Number(port), secure: false, doSTARTTLS: false, logger: false,
  auth: { user: login, pass: password },
});
const seen = {};
await client.connect();
seen.folders = (await client.list()).map((found) => `${found.path} ${found.specialUse ?? ""}`.trim()).sort();
const lock = await client.getMailboxLock("INBOX");
try {
  seen.exists = client.mailbox.exists;
  seen.subjects = [];
  for await (const message of client.fetch("1:*", { envelope: true, flags: true, bodyStructure: true, uid: true }))
    seen.subjects.push(message.envelope.subject);
  await client.messageFlagsAdd("1", ["\\Flagged"]);
  seen.flagged = await client.search({ flagged: true }, { uid: true });
  const { content } = await client.download("1");
  const chunks = [];
  for await (const chunk of content) chunks.push(chunk);
  seen.source = Buffer.concat(chunks).toString().slice(0, 5);
  const appended = await client.append("Drafts", "Subject: draft\r\n\r\nLater.\r\n", ["\\Draft"]);
  seen.draft = appended.destination;
  await client.messageMove("2", "Archive");
  const heard = new Promise((resolve) => client.once("exists", resolve));
  const before = client.mailbox.exists;
  client.idle();
  await client.noop();
  await client.append("INBOX", "Subject: news\r\n\r\nHello.\r\n");
  await client.noop();
  seen.news = (await heard).count - before;
  seen.quota = await client.getQuota("INBOX");
} finally {
  lock.release();
}
seen.status = await client.status("Archive", { messages: true, unseen: true });
await client.mailboxCreate("Reisen/Österreich");
await client.mailboxDelete("Reisen/Österreich");
await client.logout();
console.log(JSON.stringify(seen));
