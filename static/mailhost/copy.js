// A button that copies the field it names: data-copy="id". Without a script the field can be copied by hand.

const SHOWN_MS = 2500;

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // There is no clipboard for scripts where the page came without TLS; the browser's own copying works there.
    field.select();
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const label = (button.dataset.label ??= button.textContent);
  button.textContent = (await copy(document.getElementById(button.dataset.copy))) ? "Copied" : "Select and copy it";
  clearTimeout(button.timer);
  button.timer = setTimeout(() => { button.textContent = label; }, SHOWN_MS);
});

const show = () => { for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false; };
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
else show();
