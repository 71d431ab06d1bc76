
for (const control of document.querySelectorAll(".opacity")) {
  const question = control.closest(".question");
  const range = control.querySelector("input");
  const show = () => question.style.setProperty("--opacity", range.value / 100);
  range.addEventListener("input", show);
  control.hidden = false;
  show();
}
