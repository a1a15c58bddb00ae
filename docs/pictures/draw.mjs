// Draws golden files as people see them: Block Kit by slack-blocks-to-jsx, Adaptive Cards by
// Microsoft's adaptivecards, text as it is, and what `simulate` prints, all in an installed Chromium
// (CHROMIUM=/path/to/it).
// Usage: node docs/pictures/draw.mjs GOLDEN OUT, folders both, from the root of the repository.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";

const require = createRequire(import.meta.url);
const { Message } = require("slack-blocks-to-jsx");
const [golden, out] = process.argv.slice(2);
const LOGO =
  "data:image/svg+xml;utf8," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><rect width="36" height="36" rx="6" fill="#1f4e5f"/>' +
      '<path d="M9 12h18v4H9zm0 8h18v4H9z" fill="#fff"/></svg>',
  );

const read = (form, name) => JSON.parse(readFileSync(join(golden, form, `${name}.json`), "utf8"));
const file = (module) => readFileSync(require.resolve(module), "utf8");
const page = (head, body) =>
  `<!doctype html><html><head><meta charset="utf-8">${head}</head><body style="margin:0;background:#fff">` +
  `<div id="picture" style="display:inline-block;padding:12px">${body}</div></body></html>`;

function slack(blocks) {
  const message = createElement(Message, {
    blocks,
    logo: LOGO,
    name: "ECR Steward",
    time: new Date("2026-11-23T02:24:06Z"),
    theme: "light",
    withoutWrapper: false,
  });
  const head = `<style>${file("slack-blocks-to-jsx/dist/style.css")}</style><style>#picture{width:720px;overflow:hidden} a{word-break:break-all}</style>`;
  return page(head, renderToStaticMarkup(message));
}

const font = (fontFamily) => ({
  fontFamily,
  fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 22 },
  fontWeights: { lighter: 300, default: 400, bolder: 600 },
});
const host = {
  fontTypes: {
    default: font("Segoe UI, Helvetica, Arial, sans-serif"),
    monospace: font("Consolas, DejaVu Sans Mono, monospace"),
  },
  spacing: { small: 4, default: 10, medium: 16, large: 24, extraLarge: 32, padding: 16 },
  supportsInteractivity: true,
  containerStyles: {
    default: {
      backgroundColor: "#ffffff",
      foregroundColors: {
        default: { default: "#242424", subtle: "#616161" },
        attention: { default: "#c4314b", subtle: "#c4314b" },
      },
    },
    emphasis: {
      backgroundColor: "#f5f5f5",
      foregroundColors: { default: { default: "#242424", subtle: "#616161" } },
    },
  },
};

function teams(message) {
  const card = JSON.stringify(message.attachments[0].content);
  const draw =
    "const card = new AdaptiveCards.AdaptiveCard();" +
    `card.hostConfig = new AdaptiveCards.HostConfig(${JSON.stringify(host)});` +
    "const context = new AdaptiveCards.SerializationContext();" +
    `card.parse(${card}, context);` +
    "if (context.eventCount) throw new Error(context.getEventAt(0).message);" +
    'document.getElementById("card").appendChild(card.render());';
  const style =
    "#picture{width:720px} #card{border:1px solid #d1d1d1;border-radius:6px;overflow:hidden}" +
    ".ac-pushButton{font:600 14px Segoe UI,Helvetica,Arial,sans-serif;padding:6px 14px;border:1px solid #d1d1d1;border-radius:4px;background:#fff}";
  const script = `<script>${file("adaptivecards/dist/adaptivecards.min.js")}</script>`;
  return page(`<style>${style}</style>`, `<div id="card"></div>${script}<script>${draw}</script>`);
}

// Amazon Q hands its texts to Slack as Markdown of Slack's.
function chat(notification) {
  const { title, description, nextSteps } = notification.content;
  const steps = nextSteps.map((step) => `• ${step}`).join("\n");
  const texts = [`*${title}*`, description, ...(steps ? [`*Next steps*\n${steps}`] : [])];
  return slack(texts.map((text) => ({ type: "section", text: { type: "mrkdwn", text } })));
}

function text(shown) {
  const escaped = shown.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const style =
    "#picture{width:720px} pre{margin:0;padding:12px;font:13px/1.45 Consolas,DejaVu Sans Mono,monospace;" +
    "white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #d1d1d1;border-radius:6px}";
  return page(`<style>${style}</style>`, `<pre>${escaped}</pre>`);
}

// What the command prints of the pushes in docs/pull-requests.md; run from the repository's root.
function terminal() {
  const pushes = /```json\n(\{"repository"[^`]*)```/.exec(readFileSync("docs/pull-requests.md", "utf8"))[1];
  const options = ["--why", "base/redis:latest", "--rules", "layers/rules/rules.yaml"];
  const printed = execFileSync(".venv/bin/ecr-steward", ["simulate", ...options, "-"], {
    input: pushes,
    encoding: "utf8",
  });
  const escaped = printed.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const prompt = `<b style="color:#7ee787">$</b> ecr-steward simulate ${options.join(" ")} story.jsonl\n`;
  const style =
    "#picture{width:max-content} pre{margin:0;padding:16px;font:13px/1.45 Consolas,DejaVu Sans Mono,monospace;" +
    "background:#0d1117;color:#e6edf3;border-radius:6px}";
  return page(`<style>${style}</style>`, `<pre>${prompt}${escaped}</pre>`);
}

const pictures = {
  "slack.png": slack(read("slack", "tag_moved").blocks),
  "slack-overwritten.png": slack(read("slack", "tag_restored").blocks),
  "slack-digest.png": slack(read("slack", "digest").blocks),
  "teams.png": teams(read("teams", "repository_drifted")),
  "chat.png": chat(read("chat", "tag_rejected")),
  "email.png": text(readFileSync(join(golden, "text", "tag_rejected.txt"), "utf8")),
  "webhook.png": text(JSON.stringify(read("webhook", "tag_rejected")[0], null, 2)),
  "simulate.png": terminal(),
};

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--font-render-hinting=none"],
});

async function shown(html) {
  const tab = await browser.newPage();
  tab.on("pageerror", (error) => {
    throw error;
  });
  await tab.setViewport({ width: 760, height: 400, deviceScaleFactor: 1.5 });
  await tab.setContent(html);
  return tab;
}

for (const [name, html] of Object.entries(pictures)) {
  const tab = await shown(html);
  await (await tab.$("#picture")).screenshot({ path: join(out, name) });
  console.log(name);
}
// Few cards are drawn, but Microsoft's library reads every one and has nothing to say against it.
for (const name of readdirSync(join(golden, "teams"))) {
  await (await shown(teams(read("teams", name.replace(".json", ""))))).close();
}
await browser.close();
