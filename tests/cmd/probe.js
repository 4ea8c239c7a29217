// What a page in a browser is like, told to the page around it: appended to a copy of a report.
"use strict";
addEventListener("load", () => {
  const faults = [];
  const expect = (good, what) => good || faults.push(what);
  const root = document.documentElement;
  const named = (e) => e.tagName.toLowerCase() + (typeof e.className === "string" && e.className ? "." + e.className.replace(/ /g, ".") : "");

  // Nothing reaches beyond the window but inside of a box that scrolls.
  expect(root.scrollWidth <= innerWidth, "the page scrolls sideways: " + root.scrollWidth);
  for (const e of document.body.querySelectorAll("*")) {
    const r = e.getBoundingClientRect();
    if (e.closest("caption, script") || e.parentElement.closest(".box")) continue;
    if (r.right > innerWidth + 0.5 || r.left < -0.5) faults.push("cut off: " + named(e));
    if (!e.matches(".box") && e.clientWidth && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
      faults.push("overflows: " + named(e));
  }
  for (const box of document.querySelectorAll(".box"))
    expect(/auto|scroll/.test(getComputedStyle(box).overflowX) && box.tabIndex === 0, "a box that can't be scrolled");
  for (const svg of document.querySelectorAll(".drawing svg"))
    for (const text of svg.querySelectorAll("text")) {
      const a = svg.getBoundingClientRect(), b = text.getBoundingClientRect();
      if (b.left < a.left - 0.5 || b.right > a.right + 0.5) faults.push("a label outside of the drawing: " + text.textContent);
    }
  for (const node of document.querySelectorAll(".node")) {
    const box = node.querySelector("rect").getBoundingClientRect();
    for (const text of node.querySelectorAll("text"))
      expect(text.getBoundingClientRect().width <= box.width, "a name wider than its node: " + text.textContent);
  }

  // Lanes and blocks are where they belong; bytes are of one value at a time, or begin alike.
  const inside = (e) => {
    const a = e.ownerSVGElement.getBoundingClientRect(), b = e.getBoundingClientRect();
    return b.left >= a.left && b.right <= a.right + 0.5 && b.top >= a.top && b.bottom <= a.bottom;
  };
  for (const e of document.querySelectorAll("#lanes rect, #arena rect")) expect(inside(e), "a piece outside of its picture");
  const lanes = new Map();
  for (const e of document.querySelectorAll("#lanes rect.run")) {
    const r = e.getBoundingClientRect(), last = lanes.get(r.top) || 0;
    expect(r.left >= last - 1.2, "a layer at work on two frames");
    lanes.set(r.top, r.right);
  }
  const blocks = [...document.querySelectorAll("#arena .block rect")].map((e) => e.getBoundingClientRect());
  for (const [i, a] of blocks.entries())
    for (const b of blocks.slice(i + 1)) {
      const meet = Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
      expect(!meet || Math.abs(a.bottom - b.bottom) < 0.5, "bytes of two values");
    }

  // What a reader without eyes needs.
  expect(root.lang === "en" && document.title.endsWith("nngen report"), "no language or title");
  expect(document.querySelectorAll("h1").length === 1, "not one h1");
  for (const th of document.querySelectorAll("th")) expect(th.scope, "a heading without scope");
  for (const img of document.querySelectorAll("img")) expect(img.alt && img.naturalWidth > 0, "a picture without text, or broken");
  for (const svg of document.querySelectorAll("svg")) expect(svg.getAttribute("aria-hidden") || (svg.getAttribute("role") === "img" && svg.getAttribute("aria-label")), "a drawing without name");
  for (const a of document.querySelectorAll("a")) expect(document.querySelector(a.getAttribute("href")), "a link to nowhere");

  // A heading sorts, up and then down.
  const table = document.querySelector("#layers table"), th = [...table.tHead.rows[0].cells].find((e) => e.textContent === "Cycles");
  const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[th.cellIndex].dataset.v));
  const up = column().sort((a, b) => a - b);
  if (up.length > 1) {
    th.querySelector("button").click();
    expect(th.getAttribute("aria-sort") === "ascending" && column().join() === up.join(), "not sorted");
    th.querySelector("button").click();
    expect(th.getAttribute("aria-sort") === "descending" && column().join() === up.reverse().join(), "not sorted down");
  }

  // Nothing is asked for elsewhere.
  for (const e of performance.getEntriesByType("resource")) expect(e.name.startsWith("data:"), "a request for " + e.name);
  for (const e of document.querySelectorAll("[src], link, object, embed, [srcset]"))
    expect((e.getAttribute("src") || "").startsWith("data:image/png;base64,"), "something of elsewhere: " + named(e));
  for (const sheet of document.styleSheets) for (const rule of sheet.cssRules) expect(!/url\(/.test(rule.cssText), "a style of elsewhere");
  parent.postMessage(innerWidth + " " + (faults.slice(0, 5).join("; ") || "good"), "*");
});
