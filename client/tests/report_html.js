// Opens pages of the HTML report in a headless Chromium and prints TAP lines without numbers: "ok - what" or
// "not ok - what". Usage: node report_html.js NAME=FILE...; SCREENSHOTS names a folder for pictures of them.
"use strict";
const { chromium } = require(process.env.PLAYWRIGHT);
const { unlinkSync, writeFileSync } = require("node:fs");
const { pathToFileURL } = require("node:url");

const pages = process.argv.slice(2).map((each) => each.split("="));
const folder = process.env.SCREENSHOTS;
const seconds = (from) => ((Date.now() - from) / 1000).toFixed(1);

function ok(what, good, because = "") {
  console.log(`${good ? "ok" : "not ok"} - ${what}${good || !because ? "" : ": " + because}`);
}

async function open(browser, file, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!/^(data|about):/.test(request.url()) && request.url() !== pathToFileURL(file).href)
      faults.push("request of " + request.url());
  });
  await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
  return { page, context, faults };
}

const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// Contrast of every visible text with what is behind it, by the formula of WCAG 2; large enough for 4.5 : 1.
const lowContrast = (page) =>
  page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const rgb = (color) => {
      if (!known.has(color)) known.set(color, draw(color));
      return known.get(color);
    };
    const draw = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return canvas.getImageData(0, 0, 1, 1).data;
    };
    const light = (color) =>
      [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
        const value = color[i] / 255;
        return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      }, 0);
    const behind = (element) => {
      for (let each = element; each; each = each.parentElement) {
        const color = rgb(getComputedStyle(each).backgroundColor);
        if (color[3] === 255) return color;
      }
      return [255, 255, 255];
    };
    const low = new Set();
    for (const element of [...document.querySelectorAll("main *")].slice(0, 3000)) {
      const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!hasText || !element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      const [a, b] = [light(rgb(element.closest("svg") ? style.fill : style.color)), light(behind(element))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.5) low.add(`${element.tagName}.${element.getAttribute("class")} ${ratio.toFixed(1)}`);
    }
    return [...low].slice(0, 5).join("; ");
  });

const firstPaint = (page) => // in ms, -1 if there is none within 30 s
  page.evaluate(
    () =>
      new Promise((resolve) => {
        const take = (list) => list.getEntriesByName("first-contentful-paint").forEach((each) => resolve(each.startTime));
        new PerformanceObserver(take).observe({ type: "paint", buffered: true });
        setTimeout(() => resolve(-1), 30000);
      }),
  );

// The same on this machine at this moment of a page that does nothing: what times are measured by.
async function paintOfLines(browser) {
  const file = `${process.env.TMPDIR || "/tmp"}/lines-${process.pid}.html`;
  writeFileSync(file, "<!doctype html><title>lines</title>" + "<p>A line of text.</p>".repeat(2000));
  const { page, context } = await open(browser, file, { viewport: { width: 1280, height: 900 } });
  const paint = await firstPaint(page);
  await context.close();
  unlinkSync(file);
  return paint;
}

async function look(browser, name, file) {
  const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
  for (const [device, viewport] of Object.entries(sizes))
    for (const colorScheme of ["light", "dark"]) {
      const begin = Date.now();
      const { page, context, faults } = await open(browser, file, { viewport, colorScheme });
      if (device === "desktop" && colorScheme === "light") {
        const paint = await firstPaint(page);
        const lines = Math.max(await paintOfLines(browser), await paintOfLines(browser));
        console.log(`# ${name}: first contentful paint after ${Math.round(paint)} ms, of lines of text after ${Math.round(lines)} ms`);
        ok(`${name}: painted at most 12 times as late as a page of lines of text`, paint > 0 && paint < 12 * lines, `${paint} ms`);
      }
      const wide = await overflow(page);
      ok(`${name}, ${device}, ${colorScheme}: no sideways scrolling`, wide <= 0, `${wide} px too wide`);
      if (device === "desktop") {
        const low = await lowContrast(page);
        ok(`${name}, ${colorScheme}: text can be read`, low === "", low);
      }
      if (folder) await page.screenshot({ path: `${folder}/${name}-${device}-${colorScheme}.png`, fullPage: name !== "many" });
      if (device === "phone" && colorScheme === "light") {
        await page.evaluate(() => document.querySelectorAll("details").forEach((each, i) => (each.open = i < 60)));
        const opened = await overflow(page);
        ok(`${name}, ${device}: nor with all of it open`, opened <= 0, `${opened} px too wide`);
        if (folder) await page.screenshot({ path: `${folder}/${name}-phone-open.png`, fullPage: name !== "many" });
      }
      ok(`${name}, ${device}, ${colorScheme}: no error, no request`, faults.length === 0, faults.slice(0, 3).join(" | "));
      await context.close();
      console.log(`# ${name}, ${device}, ${colorScheme}: ${seconds(begin)} s`);
    }
}

// With scripts: charts to zoom into, whole plans, the filter. The keyboard alone is enough for all.
async function use(browser, file) {
  const { page, context, faults } = await open(browser, file, { viewport: { width: 1280, height: 900 } });
  ok("the filter leaves what fits", await page.evaluate(() => {
    const input = document.querySelector(".filter input");
    input.value = "order";
    input.dispatchEvent(new Event("input"));
    const shown = [...document.querySelectorAll("details[data-text]")].filter((each) => !each.hidden);
    const good = shown.length > 0 && shown.every((each) => each.dataset.text.toLowerCase().includes("order"));
    input.value = "";
    input.dispatchEvent(new Event("input"));
    return good;
  }));
  const closed = page.locator("details:not([open]) > summary").first();
  await closed.focus();
  const handle = await closed.elementHandle();
  await page.keyboard.press("Enter");
  ok("a finding opens with the keyboard", await handle.evaluate((element) => element.parentElement.open));
  if (await page.locator("#chart-script").count()) {
    const chart = page.locator("details:has([data-history='0'])");
    await chart.evaluate((element) => { element.open = true; });
    await chart.getByRole("button", { name: "Zoom" }).click();
    await page.waitForSelector(".uplot canvas");
    ok("a chart to zoom into", (await page.locator(".uplot canvas").count()) === 1);
    if (folder) await chart.screenshot({ path: `${folder}/chart.png` });
  } else ok("a chart to zoom into # SKIP built without npm", true);
  if (await page.locator("#plan-script").count()) {
    await page.locator("[data-plan]").first().evaluate((element) => { element.closest("details").open = true; });
    await page.locator("[data-side=after]").first().click();
    const node = page.frameLocator("dialog iframe").locator(".plan-node").first();
    await node.waitFor({ timeout: 10000 });
    ok("a whole plan", (await page.frameLocator("dialog iframe").locator(".plan-node").count()) > 0);
    if (folder) await page.screenshot({ path: `${folder}/plan.png` });
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Close" }).click({ timeout: 500 }).catch(() => {});
    ok("and it closes", !(await page.locator("dialog").evaluate((element) => element.open)));
  } else ok("a whole plan # SKIP built without npm", true);
  ok("no error, no request in use", faults.length === 0, faults.slice(0, 3).join(" | "));
  await context.close();
  const plain = await open(browser, file, { javaScriptEnabled: false });
  const text = await plain.page.locator("main").innerText();
  ok("complete without scripts", /Findings/.test(text) && /Regressions/.test(text) && !/Zoom/.test(text));
  await plain.context.close();
}

// Text of others stays text.
async function attack(browser, file, texts) {
  const { page, context } = await open(browser, file, {});
  const shown = await page.evaluate(() => document.querySelector("main").textContent);
  for (const text of texts) ok(`shown as text: ${JSON.stringify(text)}`, shown.includes(text));
  ok("no element of a query", (await page.locator("main script, main b.evil, main img").count()) === 0);
  ok("nothing turns the direction of writing", !/[\u202a-\u202e\u2066-\u2069]/.test(shown));
  ok("nothing ran", await page.evaluate(() => window.evil === undefined && document.title.startsWith("dbperf")));
  await context.close();
}

(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  });
  try {
    for (const [name, file] of pages) await look(browser, name, file);
    await use(browser, pages.find(([name]) => name === "run")[1]);
    await attack(browser, pages.find(([name]) => name === "hostile")[1], ["</script><b class=evil>", "'\"`]]>&|", "\\u{202e}"]);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  ok("the pages can be looked at", false, String(error).split("\n")[0]);
  process.exitCode = 1;
});
