// Keys for the review page. Without it every button and form still works.
"use strict";
(() => {
  const form = document.getElementById("decide");
  const press = (act) => {
    const button = form && form.querySelector(`button[name=act][value=${act}]`);
    if (button) form.requestSubmit(button);
  };
  const toggle = (id) => document.getElementById(id).togglePopover();
  const open = () => document.querySelector("[popover]:popover-open");

  if (form) {
    // One verdict for one ad, however often the key is hit. Buttons stay enabled: their name and value are sent.
    let sent = false;
    form.addEventListener("submit", (event) => {
      const act = event.submitter ? event.submitter.value : "save";
      if (act === "save" && !form.querySelector("input[name=labels]:checked")) {
        event.preventDefault();
        say("Mark at least one group, or press x for “none of them”.");
        return;
      }
      if (sent) event.preventDefault();
      sent = true;
    });
    addEventListener("pageshow", () => { sent = false; });
  }

  const say = (text) => {
    document.querySelectorAll(".toast").forEach((old) => old.remove());
    const toast = document.createElement("p");
    toast.className = "toast";
    toast.setAttribute("role", "alert");
    toast.textContent = text;
    document.body.append(toast);
  };

  document.addEventListener("keydown", (event) => {
    const where = event.target;
    const typing = where.matches("input:not([type=checkbox]), textarea, select");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      press("save");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (typing) {
      if (event.key === "Escape") where.blur();
      return;
    }
    const control = where.closest("a, button, summary");
    const acts = {
      "?": () => toggle("keys"),
      g: () => toggle("guideline"),
    };
    if (form && !open()) {
      const box = form.querySelector(`input[data-key="${CSS.escape(event.key)}"]`);
      if (box) acts[event.key] = () => box.click();
      Object.assign(acts, {
        x: () => press("none"),
        k: () => document.getElementById("kind").focus(),
        f: () => document.getElementById("form").focus(),
        n: () => document.getElementById("note").focus(),
      });
      // On a focused button or link these two keys belong to it.
      if (!control) acts.Enter = () => press("save");
      if (!control && !where.matches("input")) acts[" "] = () => press("skip");
    }
    const undo = document.getElementById("undo");
    if (undo && !open()) acts.Backspace = () => undo.requestSubmit();
    const act = Object.hasOwn(acts, event.key) && acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
})();
