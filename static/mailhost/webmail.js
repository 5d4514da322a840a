// Small comforts. Every page works without them.

// Times are shown in the reader's zone: the server learns it by this cookie.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`timezone=${encodeURIComponent(zone)}`)) {
  document.cookie = `timezone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax`;
}

for (const named of document.querySelectorAll("[data-zone]")) named.textContent = zone || named.textContent;

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

// What can be undone says for how long; then it is on its way. From when the page came, whatever the clock here says.
for (const notice of document.querySelectorAll("[data-leaves]")) {
  const countdown = notice.querySelector("[data-countdown]");
  const ends = performance.now() + notice.dataset.leaves * 1000;
  const tick = () => {
    const seconds = Math.ceil((ends - performance.now()) / 1000);
    if (seconds > 0) {
      if (countdown) countdown.textContent = `in ${seconds} second${seconds === 1 ? "" : "s"}`;
    } else {
      clearInterval(timer);
      if (countdown) notice.remove();
    }
  };
  const timer = setInterval(tick, 1000);
}

// What is folded open stays so when its news come.
const fold = (event) => event.target.matches?.("[data-keeps-open]") && event.target.querySelector("details");
let wasOpen = false;
document.addEventListener("htmx:beforeSwap", (event) => { wasOpen = Boolean(fold(event)?.open); });
document.addEventListener("htmx:afterSwap", (event) => { if (wasOpen && fold(event)) fold(event).open = true; });

// Text that has not been sent is not thrown away by a stray click.
window.addEventListener("beforeunload", (event) => {
  const form = document.querySelector("form.compose");
  const text = form && form.querySelector("textarea");
  if (form && !form.dataset.sent && text.value !== text.defaultValue) event.preventDefault();
});
