// nodemailer: what programs written for Node send mail with. Prints one line of JSON.
// Arguments: folder of node_modules, then JSON with ports, ca, login, password, to.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import process from "node:process";

const [folder, given] = process.argv.slice(2);
const { ports, ca, login, password, to } = JSON.parse(given);
const require = createRequire(`${folder}/`);
const nodemailer = require("nodemailer");

const tls = { ca: readFileSync(ca) };
const auth = { user: login, pass: password };
const starttls = { host: "localhost", port: ports.submission, secure: false, requireTLS: true, tls, auth };
const seen = {};

async function send(options, message) {
  const transport = nodemailer.createTransport(options);
  try {
    return await transport.sendMail({ from: login, to, text: "Hello\n.\n..\n", ...message });
  } finally {
    transport.close();
  }
}

const refusal = (promise) => promise.then(() => "taken", (error) => `${error.code} ${error.responseCode}`);

seen.verified = await nodemailer.createTransport(starttls).verify();
seen.starttls = (await send(starttls, { subject: "nodemailer starttls" })).response;
seen.implicit = (await send({ ...starttls, port: ports.submissions, secure: true, requireTLS: false },
  { subject: "nodemailer implicit" })).response;
seen.login = (await send({ ...starttls, authMethod: "LOGIN" }, { subject: "nodemailer login" })).response;
seen.attached = (await send(starttls, {
  subject: "nodemailer Anhänge 📎", bcc: login, html: "<p>Hi <img src=\"cid:dot\"></p>",
  attachments: [
    { filename: "größe.txt", content: "line\r\n".repeat(10_000) },
    { filename: "dot.gif", content: Buffer.from("R0lGODlhAQABAAAAACw=", "base64"), cid: "dot" },
    { filename: "binary.dat", content: Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 256)) },
  ],
})).envelope;
seen.dsn = (await send(starttls, {
  subject: "nodemailer dsn", dsn: { id: "msg=1+1", return: "headers", notify: ["failure", "delay"], recipient: to },
})).response;
seen.utf8 = (await send(starttls, { subject: "nodemailer utf8", to: "käthe@example.test" })).accepted;

const pool = nodemailer.createTransport({ ...starttls, pool: true, maxConnections: 3, maxMessages: 7 });
const letters = Array.from({ length: 40 }, (_, number) =>
  pool.sendMail({ from: login, to, subject: "nodemailer pooled", text: `number ${number}` }));
seen.pooled = (await Promise.all(letters)).filter(({ accepted }) => accepted.length === 1).length;
pool.close();

const some = await send(starttls, { subject: "nodemailer some", to: [to, "nobody@example.test"] });
seen.some = [some.accepted, some.rejected, some.rejectedErrors.map((error) => error.responseCode)];
seen.unknown = await refusal(send(starttls, { to: "nobody@example.test", subject: "nodemailer refused" }));
seen.foreign = await refusal(send(starttls, { from: "ceo@elsewhere.test", subject: "nodemailer refused" }));
seen.wrong = await refusal(send({ ...starttls, auth: { ...auth, pass: "wrong" } }, { subject: "nodemailer refused" }));
console.log(JSON.stringify(seen));
