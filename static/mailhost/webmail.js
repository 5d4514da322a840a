// Small comforts. Every page works without them.

// Times are shown in the reader's zone: the server learns it by this cookie.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`timezone=${encodeURIComponent(zone)}`)) {
  document.cookie = `timezone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax`;
}

document.addEventListener("change", (event) => {
  // "Choose all" ticks every message on the page.
  if (event.target.matches("[data-pick-all]")) {
    for (const box of document.querySelectorAll(".pick")) box.checked = event.target.checked;
  }
});

document.addEventListener("submit", (event) => {
  // One click sends once.
  if (event.target.matches("[data-once]")) {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  }
});

// A page that comes back out of the browser's cache may send again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-once]")) delete form.dataset.sent;
});

// Text that has not been sent is not thrown away by a stray click.
window.addEventListener("beforeunload", (event) => {
  const form = document.querySelector("form.compose");
  const text = form && form.querySelector("textarea");
  if (form && !form.dataset.sent && text.value !== text.defaultValue) event.preventDefault();
});
