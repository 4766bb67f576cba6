// Checks an HTML report in a real browser, as a reader would use it.
//
//   node report.mjs CHROMIUM report.html OUTPUT_FOLDER [GENE]
//
// Speaks the DevTools protocol with the browser over a pipe (file descriptors 3 and 4, messages
// separated by NUL), so it needs no package beyond node >= 18. Prints what was checked to stdout and
// a line per problem to stderr; exits with 1 if there was a problem. Leaves screenshots and a PDF in
// OUTPUT_FOLDER.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const TIMEOUT = 120_000;
const [program, reportPath, folder, wantedGene] = process.argv.slice(2);
if (!folder) { console.error('usage: node report.mjs CHROMIUM report.html OUTPUT_FOLDER [GENE]'); process.exit(2); }
const address = pathToFileURL(resolve(reportPath)).href;
const problems = [];
const checked = [];
function problem(text) {   // once each, on a line of its own
  const line = text.replace(/\s+/g, ' ');
  if (!problems.includes(line)) problems.push(line);
}
const check = (holds, text) => { if (!holds) problem(text); return holds; };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// ---- the browser ----

mkdirSync(folder, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), 'report-browser-'));
const flags = ['--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--hide-scrollbars', `--user-data-dir=${profile}`, '--remote-debugging-pipe'];
if (process.getuid?.() === 0) flags.push('--no-sandbox');   // Chromium's sandbox does not work for root
// A process group of its own, so that all of the browser's processes can be ended together.
const browser = spawn(program, [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true });
const exited = new Promise((done) => { browser.once('exit', done); browser.once('error', done); });

function cleanUp() {
  try { process.kill(-browser.pid, 'SIGKILL'); } catch { /* already gone */ }
  try { rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }); } catch { /* best effort */ }
}
process.on('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
setTimeout(() => {
  for (const text of [...problems, `not finished after ${TIMEOUT / 1000} s`]) console.error(text);
  process.exit(1);
}, TIMEOUT).unref();

const [input, output] = [browser.stdio[3], browser.stdio[4]];
const waiting = new Map();     // id of a command -> what to do with its answer
const listeners = new Set();   // called with every event
let lastId = 0, session, received = [];

output.on('data', (chunk) => {
  let end;
  while ((end = chunk.indexOf(0)) >= 0) {
    received.push(chunk.subarray(0, end));
    const message = JSON.parse(Buffer.concat(received).toString());
    received = [];
    chunk = chunk.subarray(end + 1);
    if (message.id === undefined) for (const listener of listeners) listener(message);
    else if (message.error) waiting.get(message.id).fail(new Error(message.error.message));
    else waiting.get(message.id).done(message.result);
  }
  received.push(chunk);
});
input.on('error', () => {});
exited.then((code) => waiting.forEach(({ fail }) => fail(new Error(`the browser ended early (${code?.message ?? code})`))));

function send(method, params = {}) {
  return new Promise((done, fail) => {
    const id = ++lastId;
    waiting.set(id, { done, fail });
    input.write(JSON.stringify({ id, method, params, sessionId: session }) + '\0');
  });
}

const event = (method) => new Promise((done) => {
  const listener = (message) => { if (message.method === method) { listeners.delete(listener); done(); } };
  listeners.add(listener);
});

// Everything the page says on its console or asks of the network.
function watch({ method, params }) {
  if (method === 'Runtime.exceptionThrown') {
    const { text, exception } = params.exceptionDetails;
    problem(`uncaught exception: ${exception?.description ?? text}`);
  } else if (method === 'Runtime.consoleAPICalled' && ['error', 'assert'].includes(params.type)) {
    problem(`console error: ${params.args.map((a) => a.value ?? a.description).join(' ')}`);
  } else if (method === 'Log.entryAdded' && params.entry.level === 'error') {
    problem(`console error: ${params.entry.text} ${params.entry.url ?? ''}`);
  } else if (method === 'Network.requestWillBeSent') {
    const url = params.request.url;
    if (url.split('#')[0] !== address && !/^(data|blob|about):/.test(url)) problem(`network request: ${url.slice(0, 200)}`);
  }
}

// ---- what a reader does ----

// Calls a function in the page, with arguments of plain data.
async function inPage(body, ...args) {
  const { result, exceptionDetails } = await send('Runtime.evaluate', {
    expression: `(${body})(...${JSON.stringify(args)})`, returnByValue: true, awaitPromise: true });
  if (exceptionDetails) throw new Error(`in the page: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  return result.value;
}

async function until(body, ...args) {
  for (let tries = 0; tries < 100; tries++) {
    if (await inPage(body, ...args)) return true;
    await sleep(100);
  }
  return false;
}

const resize = (width, height) =>
  send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }).then(() => sleep(150));

// Leaving for a blank page first makes a mere change of the hash a full load, too.
async function open(url) {
  for (const target of ['about:blank', url]) {
    const loaded = event('Page.loadEventFired');
    const { errorText } = await send('Page.navigate', { url: target });
    if (errorText) throw new Error(`cannot open ${target}: ${errorText}`);
    await loaded;
  }
}

async function click(selector) {
  const at = await inPage((s) => {
    const node = document.querySelector(s);
    node?.scrollIntoView({ block: 'center', inline: 'center' });
    const box = node?.getClientRects()[0];
    if (!box) return null;
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    return { x, y, hit: node.contains(document.elementFromPoint(x, y)) };
  }, selector);
  if (!check(at?.hit, `cannot be clicked: ${selector}`)) return false;
  for (const type of ['mousePressed', 'mouseReleased']) {
    await send('Input.dispatchMouseEvent', { type, x: at.x, y: at.y, button: 'left', clickCount: 1 });
  }
  return true;
}

async function screenshot(name, clip) {
  const { data } = await send('Page.captureScreenshot', { format: 'png', ...(clip && { clip: { ...clip, scale: 1 }, captureBeyondViewport: true }) });
  writeFileSync(join(folder, name), Buffer.from(data, 'base64'));
}

// Where an element, or the whole page, lies; a browser draws no higher picture than about 16,000 px.
const pageBox = (selector = 'html') => inPage((s) => {
  const { x, y, width, height } = document.querySelector(s).getBoundingClientRect();
  return { x: x + scrollX, y: y + scrollY, width, height: Math.min(16000, height) };
}, selector);

// ---- what must hold of the page as it stands ----

// Runs in the page: texts of figures that are clipped or lie over one another.
function auditFigures() {
  const TOLERANCE = 1.5, found = [];
  const quote = (node) => JSON.stringify(node.textContent.trim().slice(0, 40));
  // The corners of a text on the screen; unlike a client rectangle they stay tight when it is rotated.
  const corners = (text) => {
    const { x, y, width, height } = text.getBBox(), toScreen = text.getScreenCTM();
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]].map(([a, b]) => new DOMPoint(a, b).matrixTransform(toScreen));
  };
  // How far two convex quadrilaterals overlap: the least overlap over the directions of their sides.
  const overlap = (p, q) => Math.min(...[p, q].flatMap((shape) => [0, 1].map((n) => {
    const dx = shape[n + 1].x - shape[n].x, dy = shape[n + 1].y - shape[n].y, length = Math.hypot(dx, dy) || 1;
    const [a, b] = [p, q].map((points) => points.map((point) => (point.x * dx + point.y * dy) / length));
    return Math.min(Math.max(...a), Math.max(...b)) - Math.max(Math.min(...a), Math.min(...b));
  })));
  for (const svg of document.querySelectorAll('svg')) {
    const box = svg.getBoundingClientRect();
    if (!box.width || !svg.checkVisibility()) continue;
    const where = `figure ${JSON.stringify((svg.querySelector('title') ?? svg.closest('[id]') ?? svg).textContent.trim().slice(0, 50))}`;
    const texts = [...svg.querySelectorAll('text')].filter((text) => text.textContent.trim() &&
      text.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })).map((text) => ({ text, shape: corners(text) }));
    texts.forEach(({ text, shape }, n) => {
      const excess = Math.max(...shape.flatMap(({ x, y }) => [box.left - x, x - box.right, box.top - y, y - box.bottom]));
      if (excess > TOLERANCE) found.push(`${where}: text ${quote(text)} is clipped`);
      for (const other of texts.slice(n + 1)) {
        if (overlap(shape, other.shape) > TOLERANCE) found.push(`${where}: texts ${quote(text)} and ${quote(other.text)} overlap`);
      }
    });
  }
  return found;
}

// Runs in the page: what someone who cannot see it, or uses the keyboard, relies on.
function auditStructure() {
  const found = [];
  const named = (node) => Boolean(node.getAttribute('aria-label')?.trim() ||
    (node.getAttribute('aria-labelledby') ?? '').split(/\s+/).some((id) => document.getElementById(id)?.textContent.trim()));
  const show = (node) => node.cloneNode(false).outerHTML.slice(0, 120);
  for (const node of document.querySelectorAll('svg, img, canvas, [role=img]')) {
    if (node.closest('[aria-hidden=true]')) continue;
    const title = node.querySelector(':scope > title')?.textContent.trim();
    if (node.localName === 'svg' && node.getAttribute('role') !== 'img') found.push(`svg without role=img: ${show(node)}`);
    if (!named(node) && !title && !(node.localName === 'img' && node.hasAttribute('alt'))) found.push(`no text alternative: ${show(node)}`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const next = Number(heading.localName[1]);
    if (next > level + 1) found.push(`heading ${JSON.stringify(heading.textContent.slice(0, 40))} skips from level ${level} to ${next}`);
    level = next;
  }
  const ids = [...document.querySelectorAll('[id]')].map((node) => node.id), known = new Set(ids);
  for (const id of new Set(ids.filter((id, n) => ids.indexOf(id) !== n))) found.push(`duplicate id ${id}`);
  const referred = ['aria-labelledby', 'aria-describedby'].flatMap((name) =>
    [...document.querySelectorAll(`[${name}]`)].flatMap((node) => node.getAttribute(name).split(/\s+/)));
  const linked = [...document.querySelectorAll('a[href^="#"]:not([href^="#gene="])')].map((link) => link.getAttribute('href').slice(1));
  for (const id of [...referred, ...linked]) if (id && !known.has(id)) found.push(`reference to the missing id ${id}`);
  for (const node of document.querySelectorAll('input:not([type=hidden]), select, textarea, button')) {
    const label = [...(node.labels ?? [])].some((l) => l.textContent.trim());
    if (!label && !named(node) && !(node.localName === 'button' && node.textContent.trim())) found.push(`control without a label: ${show(node)}`);
  }
  return found;
}

// Runs in the page: how far it is too wide, and what sticks out.
function auditWidth() {
  const root = document.documentElement, excess = root.scrollWidth - root.clientWidth;
  if (excess <= 0) return [];
  const outside = [...document.body.querySelectorAll('*')].filter((node) => node.getBoundingClientRect().right > root.clientWidth + 1);
  return [`the page is ${excess} px too wide; sticking out: ${outside.slice(0, 4).map((n) => n.cloneNode(false).outerHTML.slice(0, 80)).join(' ')}`];
}

async function audit(state) {
  for (const part of [auditFigures, auditStructure, auditWidth]) {
    for (const text of await inPage(part)) problem(`${state}: ${text}`);
  }
  checked.push(`${state}: ${await inPage(() => document.querySelectorAll('svg[role=img]').length)} figures, headings, ids, labels and width`);
}

// ---- the list of genes and the page of a gene ----

const countShown = () => inPage(() => Number(document.getElementById('gene-count').textContent.split(' ')[0].replace(/,/g, '')));

// Waits for the page of a gene; what it says instead of a figure is a problem.
async function pageReady(id) {
  await until((wanted) => {
    const page = document.getElementById('gene-page');
    return Boolean(page?.querySelector('h3').textContent.includes(wanted) && page.querySelector('svg, .message'));
  }, id);
  const message = await inPage(() => document.querySelector('#gene-page .message, #gene-message')?.textContent ?? null);
  if (message) problem(`the page of ${id} says: ${message}`);
  return inPage((wanted) => Boolean(document.querySelector('#gene-page svg')) && document.querySelector('#gene-page h3').textContent.includes(wanted), id);
}

async function search(text) {
  await click('#gene-search');
  await inPage(() => document.getElementById('gene-search').select());
  const keys = text ? [...text].map((key) => ({ key, text: key })) : [{ key: 'Backspace', windowsVirtualKeyCode: 8 }];
  for (const key of keys) {
    await send('Input.dispatchKeyEvent', { type: 'keyDown', ...key });
    await send('Input.dispatchKeyEvent', { type: 'keyUp', key: key.key });
  }
  await sleep(700);   // longer than the pause the page waits for after a key
}

async function checkSorting() {
  const column = await inPage(() => [...document.querySelectorAll('#gene-table thead th')].findIndex((th) => th.classList.contains('number')));
  for (let clicks = 0; clicks < 2; clicks++) {
    if (!await click(`#gene-table thead th:nth-child(${column + 1}) button`)) return;
    await sleep(500);
    const { said, numbers } = await inPage((n) => ({   // the numbers as shown, without the missing ones
      said: document.querySelectorAll('#gene-table thead th')[n].getAttribute('aria-sort'),
      numbers: [...document.querySelectorAll('#gene-table tbody tr')]
        .map((row) => Number(row.cells[n].textContent.replace('−', '-'))).filter((x) => !Number.isNaN(x)) }), column);
    const sign = { ascending: 1, descending: -1 }[said] ?? NaN;
    check(numbers.every((x, k) => k === 0 || sign * (x - numbers[k - 1]) >= 0), `the clicked column, said to be ${said}, is not: ${numbers.slice(0, 6).join(' ')}`);
    checked.push(`sorting: ${numbers.length} numbers ${said}`);
  }
}

async function checkGenes() {
  // Without the filter on the split, so that a gene of any split is found.
  await inPage(() => {
    const split = document.getElementById('gene-split');
    if (split) { split.value = ''; split.dispatchEvent(new Event('change')); }
  });
  const total = await countShown();
  const gene = wantedGene ?? await inPage(() => {
    const row = document.querySelector('#gene-table a')?.closest('tr') ?? document.querySelector('#gene-table tbody tr');
    return (row?.querySelector('.gene-id') ?? row?.querySelector('a, span'))?.textContent;
  });
  if (!gene) return checked.push('genes: the table is empty');
  await search(gene);
  const left = await countShown();
  check(left >= 1 && (left < total || total === 1), `searching ${gene} leaves ${left} of ${total} genes`);
  check(await inPage((id) => [...document.querySelectorAll('#gene-table tbody th')].some((th) => th.textContent.includes(id)), gene), `${gene} is not listed`);
  checked.push(`search for ${gene}: ${left} of ${total} genes`);

  const link = await inPage(() => document.querySelector('#gene-table tbody a')?.getAttribute('href') ?? null);
  if (link === null) checked.push(`${gene} has no page`);
  else if (await click('#gene-table tbody a')) {
    check(await pageReady(gene), `the page of ${gene} does not open`);
    await audit('gene page, 1280 px');
    await screenshot('gene-1280.png', await pageBox('#gene-page'));
    await click('#gene-close');
    check(await until(() => !document.getElementById('gene-page')), 'the page of a gene does not close');
    check(await inPage((href) => document.activeElement?.getAttribute('href') === href, link), 'the focus does not return to the link');
    checked.push(`page of ${gene}: opened from the table, closed again`);
  }
  await search('');
  check(await countShown() === total, 'emptying the search does not list all genes again');
  await checkSorting();
  if (link === null) return;
  await resize(400, 900);   // a narrow window from the start: the figure is laid out when the page opens
  await open(address + link);
  check(await pageReady(gene), `${link} does not open the page of ${gene}`);
  await audit('gene page, 400 px');
  await screenshot('gene-400.png', await pageBox('#gene-page'));
  await resize(1280, 900);
  await open(address + link);   // and wide for the PDF
  check(await pageReady(gene), `${link} does not open the page of ${gene} a second time`);
  checked.push(`page of ${gene}: opened by its address`);
}

async function main() {
  const { targetInfos } = await send('Target.getTargets');
  const target = targetInfos.find((info) => info.type === 'page')?.targetId ?? (await send('Target.createTarget', { url: 'about:blank' })).targetId;
  session = (await send('Target.attachToTarget', { targetId: target, flatten: true })).sessionId;
  listeners.add(watch);
  for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await send(`${domain}.enable`);

  await resize(1280, 900);
  await open(address);
  await audit('page, 1280 px');
  await screenshot('top-1280.png');
  await screenshot('full-1280.png', await pageBox());
  await resize(400, 900);
  await audit('page, 400 px');
  await screenshot('narrow-400.png', await pageBox());
  await resize(1280, 900);
  if (await inPage(() => document.querySelector('#gene-browser table') !== null)) await checkGenes(); else checked.push('no table of genes');
  const { data } = await send('Page.printToPDF', { paperWidth: 8.27, paperHeight: 11.69, printBackground: true, preferCSSPageSize: false });
  writeFileSync(join(folder, 'report.pdf'), Buffer.from(data, 'base64'));
  checked.push('no console error, no exception, no network request');
}

await main().catch((error) => problem(error.message));
send('Browser.close').catch(() => {});
await Promise.race([exited, sleep(3000)]);
console.log(checked.join('\n'));
for (const text of problems) console.error(text);
process.exit(problems.length ? 1 : 0);
