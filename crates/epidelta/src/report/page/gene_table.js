// The table of genes: what there is to show, searching, sorting, and the address of a gene's page.
// It and gene_page.js are one function of the page.
// Names of genes, marks and cell types come from users' files, so they only ever enter the page
// as text nodes and attributes, never as markup.

const dataElement = document.getElementById('report-data');
const browser = document.getElementById('gene-browser');
if (!dataElement || !browser) return;

const report = JSON.parse(dataElement.textContent);
const genes = report.genes;
const count = genes.id.length;
const ROWS = 25;
const collator = new Intl.Collator('en', { numeric: true });

// ---- small helpers ----

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}
const html = (name, attributes, ...children) => build(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) =>
  build(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

const value = (column, i) => (genes[column] ? genes[column][i] ?? null : null);
const present = (column) => Boolean(genes[column]) && genes[column].some((x) => x !== null);
const isNumber = (x) => typeof x === 'number' && Number.isFinite(x);

// Numbers with the typographic minus; a rounded zero has no sign.
function fixed(x, digits, signed) {
  if (!isNumber(x)) return '–';
  const text = Math.abs(x).toFixed(digits);
  if (Number(text) === 0) return text;
  return (x < 0 ? '−' : signed ? '+' : '') + text;
}
const short = (x) => (isNumber(x) ? String(Number(x.toPrecision(3))).replace('-', '−') : '–');

const observedText = (i) => fixed(value('observed', i), 2, true);
const predictedText = (i) =>
  report.classifies ? fixed(value('predicted', i), 3, false) : fixed(value('predicted', i), 2, true);

const nameOf = (i) => value('name', i) || genes.id[i];
const pairOf = (i) => (report.pairs && value('pair', i) !== null ? report.pairs[value('pair', i)] : null);
function locationOf(i) {
  const chrom = value('chrom', i), tss = value('tss', i), strand = value('strand', i);
  if (chrom === null) return null;
  const sign = strand === '-' ? ' (−)' : strand ? ` (${strand})` : '';
  return (tss === null ? chrom : `${chrom}:${tss + 1}`) + sign;   // 1-based, as genome browsers have it
}

// ---- which genes have a page, and their addresses ----

const pageOf = new Map();   // gene's index -> page's index
if (report.pages.genes) report.pages.genes.forEach((gene, page) => pageOf.set(gene, page));
const pageIndex = (i) => (!report.pages.genes ? i : pageOf.get(i));

function addressOf(i) {
  const pair = pairOf(i);
  return '#gene=' + encodeURIComponent(genes.id[i]) + (pair === null ? '' : '&pair=' + encodeURIComponent(pair));
}

function parseAddress() {
  if (!location.hash.startsWith('#gene=')) return null;
  const fields = {};
  for (const part of location.hash.slice(1).split('&')) {
    const at = part.indexOf('=');
    let text = part.slice(at + 1);
    try { text = decodeURIComponent(text); } catch { /* a stray %: take it as it stands */ }
    fields[part.slice(0, at)] = text;
  }
  return fields;
}

// Index of the gene an address asks for: an id goes before a name, a gene with a page before one without.
function findGene(wanted, pair) {
  const lower = wanted.toLowerCase();
  const tests = [(i) => genes.id[i] === wanted, (i) => value('name', i) === wanted,
    (i) => genes.id[i].toLowerCase() === lower || (value('name', i) || '').toLowerCase() === lower];
  for (const test of tests) {
    let found = -1;
    for (let i = 0; i < count; i++) {
      if (!test(i) || (pair !== undefined && pairOf(i) !== pair)) continue;
      if (pageIndex(i) !== undefined) return i;
      if (found < 0) found = i;
    }
    if (found >= 0) return found;
  }
  return -1;
}

// ---- the table ----

// Sorting compares numbers only: text is first turned into its rank among the distinct values,
// which keeps several hundred thousand rows quick.
function ranks(get) {
  const distinct = new Set();
  for (let i = 0; i < count; i++) distinct.add(get(i));
  distinct.delete(null);
  const rank = new Map([...distinct].sort(collator.compare).map((text, n) => [text, n]));
  return (i) => rank.get(get(i)) ?? NaN;
}
const numeric = (column) => () => (i) => value(column, i) ?? NaN;

const columns = [
  { title: 'Gene', keys: () => ranks(nameOf) },
  report.pairs && { title: 'Pair', text: pairOf, keys: () => ranks(pairOf) },
  present('chrom') && { title: 'Location', text: locationOf, keys: () => {
    const chrom = ranks((i) => value('chrom', i));
    return (i) => chrom(i) * 2 ** 32 + (value('tss', i) ?? 0);
  } },
  present('split') && { title: 'Split', text: (i) => value('split', i), keys: () => ranks((i) => value('split', i)) },
  present('observed') && { title: 'Observed', number: true, text: observedText, keys: numeric('observed') },
  { title: 'Predicted', number: true, text: predictedText, keys: numeric('predicted'), magnitude: !report.classifies },
  present('spread') && { title: 'Spread', number: true, text: (i) => fixed(value('spread', i), 2, false), keys: numeric('spread') },
].filter(Boolean);

const predicted = columns.find((column) => column.title === 'Predicted');
const state = { column: predicted, direction: predicted.magnitude ? 'magnitude' : 'descending',
  words: [], split: '', pair: '', page: 0, listed: [] };
let order = sortedOrder();
let searchTexts = null;

// Order of all genes; searching and filtering then only walk through it. Missing values go last.
function sortedOrder() {
  const keyOf = state.column.keys();
  const keys = new Float64Array(count);
  const indices = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const key = keyOf(i);
    keys[i] = Number.isNaN(key) ? Infinity
      : state.direction === 'ascending' ? key : state.direction === 'descending' ? -key : -Math.abs(key);
    indices[i] = i;
  }
  return indices.sort((i, j) => keys[i] - keys[j] || i - j);
}

function sortBy(column) {
  const cycle = column.number ? ['descending', 'ascending'] : ['ascending', 'descending'];
  if (column.magnitude) cycle.push('magnitude');
  const at = state.column === column ? cycle.indexOf(state.direction) : -1;
  state.direction = cycle[(at + 1) % cycle.length];
  state.column = column;
  order = sortedOrder();
  update();
}

const chosen = (i) => (!state.split || value('split', i) === state.split) &&
  (state.pair === '' || value('pair', i) === Number(state.pair));
const found = (i) => state.words.every((word) => searchTexts[i].includes(word));

// Lists the genes that match, from the first page of the table on.
function update() {
  if (state.words.length && !searchTexts) {
    searchTexts = genes.id.map((id, i) => `${id} ${value('name', i) || ''} ${value('chrom', i) || ''}`.toLowerCase());
  }
  const matching = order.filter(found);
  state.listed = Array.from(matching.filter(chosen));
  state.page = 0;
  const thousands = (n) => n.toLocaleString('en');
  // Without a word on them, a gene that the filters hide would seem to be missing from the report.
  const hidden = state.words.length ? matching.length - state.listed.length : 0;
  list.count.textContent = `${thousands(state.listed.length)} of ${thousands(count)} ` +
    (report.pairs ? 'genes, counted once per pair' : count === 1 ? 'gene' : 'genes') +
    (hidden ? `; ${thousands(hidden)} more outside the chosen ${report.pairs ? 'split and pair' : 'split'}` : '');
  showHeadings();
  showRows();
}

function showHeadings() {
  columns.forEach((column, n) => {
    const current = state.column === column;
    const sort = { ascending: 'ascending', descending: 'descending', magnitude: 'other' }[state.direction];
    const mark = { ascending: '▲', descending: '▼', magnitude: '|▼|' }[state.direction];
    const th = list.headings[n];
    if (current) th.setAttribute('aria-sort', sort); else th.removeAttribute('aria-sort');
    th.querySelector('.sort-mark').textContent = current ? mark : '';
    th.querySelector('button').title = current && state.direction === 'magnitude'
      ? 'sorted by absolute value, largest first' : `sort by ${column.title.toLowerCase()}`;
  });
}

function geneCell(i) {
  const name = nameOf(i);
  return html('th', { scope: 'row' },
    pageIndex(i) === undefined ? html('span', {}, name) : html('a', { href: addressOf(i), 'data-index': i }, name),
    name === genes.id[i] ? null : html('span', { class: 'gene-id' }, genes.id[i]));
}

function showRows() {
  const pages = Math.max(1, Math.ceil(state.listed.length / ROWS));
  const start = state.page * ROWS;
  list.body.replaceChildren(...state.listed.slice(start, start + ROWS).map((i) => html('tr', {},
    ...columns.map((column) => (column.text
      ? html('td', { class: column.number ? 'number' : null }, column.text(i) ?? '–') : geneCell(i))))));
  list.place.textContent = `Page ${state.page + 1} of ${pages}`;
  list.previous.disabled = state.page === 0;
  list.next.disabled = state.page >= pages - 1;
}

function turn(by) {
  state.page += by;
  showRows();
  const button = by < 0 ? list.previous : list.next;   // a button disabled under the keyboard drops the focus
  if (button.disabled) (by < 0 ? list.next : list.previous).focus();
}

function labelledSelect(id, label, options, chosen, onchange) {
  const select = html('select', { id }, ...options.map(([key, text]) => html('option', { value: key }, text)));
  select.value = chosen;
  select.addEventListener('change', () => { onchange(select.value); update(); });
  return html('div', {}, html('label', { for: id }, label), select);
}

function buildList() {
  const search = html('input', { type: 'search', id: 'gene-search', autocomplete: 'off', spellcheck: 'false' });
  let timer = 0;
  search.addEventListener('input', () => {
    clearTimeout(timer);   // a table per keystroke would lag behind the typing
    timer = setTimeout(() => {
      state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      update();
    }, 150);
  });
  const controls = html('div', { class: 'gene-controls' },
    html('div', {}, html('label', { for: 'gene-search' }, 'Search id, name or chromosome'), search));

  const splits = ['test', 'valid', 'train'].filter((split) => genes.split && genes.split.includes(split));
  if (splits.length > 1) {
    state.split = splits.includes('test') ? 'test' : '';   // only test genes say how good predictions are
    controls.append(labelledSelect('gene-split', 'Split', [['', 'All'], ...splits.map((s) => [s, s])], state.split,
      (chosen) => { state.split = chosen; }));
  }
  if (report.pairs && report.pairs.length > 1) {
    controls.append(labelledSelect('gene-pair', 'Pair', [['', 'All'], ...report.pairs.map((pair, n) => [n, pair])], '',
      (chosen) => { state.pair = chosen; }));
  }
  const counter = html('p', { id: 'gene-count', 'aria-live': 'polite' });
  controls.append(counter);

  const headings = columns.map((column) => {
    const button = html('button', { type: 'button' }, column.title, html('span', { class: 'sort-mark', 'aria-hidden': 'true' }));
    button.addEventListener('click', () => sortBy(column));
    return html('th', { scope: 'col', class: column.number ? 'number' : null }, button);
  });
  const body = html('tbody');
  const what = report.classifies ? 'Predicted is a score of going up. Observed: ' : 'Observed and predicted: ';
  const table = html('table', { id: 'gene-table' }, html('caption', {}, what + report.label),
    html('thead', {}, html('tr', {}, ...headings)), body);

  const previous = html('button', { type: 'button', id: 'gene-previous' }, 'Previous');
  const next = html('button', { type: 'button', id: 'gene-next' }, 'Next');
  const place = html('p', { 'aria-live': 'polite' });
  previous.addEventListener('click', () => turn(-1));
  next.addEventListener('click', () => turn(1));

  const everyPage = !report.pages.genes || pageOf.size === count;
  const root = html('div', { id: 'gene-list' }, controls,
    html('div', { class: 'table', role: 'region', 'aria-label': 'Table of genes', tabindex: '0' }, table),
    html('div', { class: 'gene-pager' }, previous, place, next),
    report.omitted ? html('p', { class: 'note' },
      `${report.omitted.toLocaleString('en')} more genes, which change less, are not in this table.`) : null,
    everyPage ? null : html('p', { class: 'note' },
      'Genes without a link have no page in this report; ask for them with --genes.'));
  return { root, search, count: counter, headings, body, previous, next, place };
}
