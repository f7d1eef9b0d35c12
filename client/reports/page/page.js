// What the page can do with scripts and is complete without: filter, copy, zoom, and the view of a whole plan.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const all = (selector) => [...document.querySelectorAll(selector)];

// What a link leads to is open.
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (const element of target ? [target, target.nextElementSibling] : [])
    if (element && element.matches("details")) {
      element.open = true;
      break;
    }
}
addEventListener("hashchange", reveal);
reveal();

const filter = document.querySelector(".filter");
const entries = all("details[data-text]").map((element) => [element, element.dataset.text.toLowerCase()]);
if (entries.length > 5) {
  filter.hidden = false;
  filter.querySelector("input").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [element, text] of entries) {
      element.hidden = !words.every((word) => text.includes(word));
      if (!element.hidden) shown += 1;
    }
    filter.querySelector("output").textContent = words.length ? shown + " of " + entries.length : "";
  });
}

if (navigator.clipboard) {
  for (const figure of all(".sql")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(figure.querySelector("code").textContent);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
    figure.append(button);
  }
}

// The policy knows these texts by their checksums.
function wake(name, owner) {
  for (const kind of ["style", "script"]) {
    const element = owner.createElement(kind);
    element.textContent = document.getElementById(name + "-" + kind).textContent;
    (kind === "style" ? owner.head : owner.body).append(element);
  }
}

if (document.getElementById("chart-script")) {
  const draw = (holder) => {
    if (!window.dbperfChart) wake("chart", document);
    holder.querySelector(".trend").remove();
    const place = document.createElement("div");
    holder.prepend(place);
    window.dbperfChart(place, data.history[Number(holder.dataset.history)]);
  };
  for (const holder of all("[data-history]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Zoom";
    button.addEventListener("click", () => {
      button.remove();
      draw(holder);
    });
    holder.append(button);
  }
}

if (document.getElementById("plan-script")) {
  const dialog = document.querySelector("dialog");
  const show = (button) => {
    const plan = data.plans[Number(button.dataset.plan)];
    const head = document.createElement("p");
    const title = document.createElement("span");
    title.textContent = "Plan " + button.dataset.side;
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    head.append(title, close);
    const frame = document.createElement("iframe");
    frame.title = "whole plan";
    frame.srcdoc = "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><body class='m-0'>" +
      "<div id=plan class='d-flex flex-column vh-100'></div>";
    frame.addEventListener("load", () => {
      frame.contentWindow.FontAwesomeConfig = { autoAddCss: false };
      frame.contentWindow.dbperfPlan = { plan: plan[button.dataset.side], query: plan.query };
      wake("plan", frame.contentDocument);
    });
    dialog.replaceChildren(head, frame);
    dialog.showModal();
  };
  dialog.addEventListener("close", () => dialog.replaceChildren());
  for (const button of all("[data-plan]")) {
    button.hidden = false;
    button.addEventListener("click", () => show(button));
  }
}
