// Looks at the page of a running broker with a real browser. An outer script drives it:
//
//   CALLBOARD_URL=http://… node e2e/page.mjs FOLDER
//
//   stdout  READY                 the page shows an empty fleet
//   stdin   GO <unix ms>          a machine with one worker is being joined, since then
//   stdout  SHOWN <ms>            so long after that the page showed it
//   stdout  SHOT <file>           once for each screenshot in FOLDER
//   stdout  DONE
//
// Anything else that happens – a console error, a request to another host, a wait that is too
// long – is told on stderr, and the exit code is 1.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { chromium } from "playwright-core";

const EMPTY = "0 workers • 0 jobs • 0 machines";
const JOINED = "1 workers • 0 jobs • 1 machines";
const START_MS_MAX = 20_000;
const JOIN_MS_MAX = 10_000;

const url = process.env.CALLBOARD_URL;
const folder = process.argv[2];
if (!url || !folder) {
  console.error("usage: CALLBOARD_URL=http://… node e2e/page.mjs FOLDER");
  process.exit(2);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const wrongs = [];
try {
  await look(await browser.newPage({ viewport: { width: 1280, height: 800 } }));
} catch (error) {
  wrongs.push(String(error));
} finally {
  await browser.close();
}
for (const wrong of wrongs) console.error(wrong);
process.exit(wrongs.length > 0 ? 1 : 0);

async function look(page) {
  page.on("pageerror", (error) => wrongs.push(`the page threw: ${error}`));
  page.on("console", (line) => line.type() === "error" && wrongs.push(`console: ${line.text()}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin)
      wrongs.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await footerSays(page, EMPTY, START_MS_MAX);
  await heading(page, 0);
  // Begun before GO, so that no time is lost; how long it may take counts from there.
  const shown = footerSays(page, JOINED, 0);
  shown.catch(() => {});
  console.log("READY");

  const joinedAt = await go();
  const tooLate = late(page);
  tooLate.catch(() => {});
  const shownAt = await Promise.race([shown, tooLate]);
  console.log(`SHOWN ${Math.round(shownAt - joinedAt)}`);
  await heading(page, 1);
  await connectionIs(page, "live");

  await mkdir(folder, { recursive: true });
  await shoot(page, "light.png");
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, "dark.png");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page);
  await shoot(page, "narrow.png");
  console.log("DONE");
}

/** Waits until the footer says exactly this; gives the time of the frame in which it did. */
async function footerSays(page, text, timeout) {
  const says = (wanted) => {
    const footer = document.querySelector('[data-testid="footer"]');
    return footer?.textContent.trim() === wanted ? Date.now() : 0;
  };
  return (await page.waitForFunction(says, text, { polling: "raf", timeout })).jsonValue();
}

async function late(page) {
  await new Promise((resolve) => setTimeout(resolve, JOIN_MS_MAX).unref());
  const says = await page.locator('[data-testid="footer"]').textContent();
  throw new Error(`after ${JOIN_MS_MAX} ms the footer still says ${JSON.stringify(says)}`);
}

async function heading(page, machines) {
  const says = await page.getByRole("heading", { level: 1 }).textContent();
  if (says !== `Machines (${machines})`)
    throw new Error(`the heading says ${says}, not Machines (${machines})`);
}

async function connectionIs(page, state) {
  await page.locator(`[data-testid="connection"][data-state="${state}"]`).waitFor({ timeout: 5_000 });
}

/** Nothing makes the page wider than the screen. */
async function fits(page) {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (beyond > 0) throw new Error(`the page is ${beyond} px wider than the screen`);
}

async function shoot(page, name) {
  const path = join(folder, name);
  await page.screenshot({ path });
  console.log(`SHOT ${path}`);
}

/** The time in the line `GO <unix ms>` on stdin. */
async function go() {
  for await (const line of createInterface({ input: process.stdin })) {
    const at = /^GO (\d+)$/.exec(line.trim())?.[1];
    if (at) return Number(at);
  }
  throw new Error("stdin ended before GO");
}
