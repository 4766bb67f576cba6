// Gene browser of the HTML report: a table of genes to search and sort, and a page per gene.
// Names of genes, marks and cell types come from users' files, so they only ever enter the page
// as text nodes and attributes, never as markup.
(function () {
  'use strict';

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

  // Observed values of a classifier may be the classes themselves, 0 and 1.
  const observedClasses = report.classifies && present('observed') &&
    genes.observed.every((x) => x === null || x === 0 || x === 1);
  const observedText = (i) => fixed(value('observed', i), observedClasses ? 0 : 2, !observedClasses);
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
  if (report.pages && report.pages.genes) report.pages.genes.forEach((gene, page) => pageOf.set(gene, page));
  const pageIndex = (i) => (report.pages && !report.pages.genes ? i : pageOf.get(i));

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

    const everyPage = report.pages && (!report.pages.genes || pageOf.size === count);
    const root = html('div', { id: 'gene-list' }, controls,
      html('div', { class: 'table', role: 'region', 'aria-label': 'Table of genes', tabindex: '0' }, table),
      html('div', { class: 'gene-pager' }, previous, place, next),
      everyPage ? null : html('p', { class: 'note' },
        'Genes without a link have no page in this report; ask for them with --genes.'));
    return { root, search, count: counter, headings, body, previous, next, place };
  }

  // ---- data of the pages ----

  async function inflate(base64) {
    if (typeof DecompressionStream !== 'function') {
      throw new Error('This browser cannot unpack the pages of genes (it has no DecompressionStream); a browser of 2023 or later can.');
    }
    try {
      const text = atob(base64);
      const bytes = new Uint8Array(text.length);
      for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
      return await new Response(stream).arrayBuffer();
    } catch (error) {
      throw new Error(`The pages of genes are damaged or this browser cannot unpack them (${error.message}).`);
    }
  }

  // Reads the sections that follow one another in the binary; see the length check for their sizes.
  async function readPages() {
    const P = report.pages.genes ? report.pages.genes.length : count;
    const M = report.marks.length, E = report.encoders.length, T = report.pages.points, S = report.pages.steps;
    const buffer = await inflate(report.pages.data);
    const sizes = { signalLargest: 4 * P * M, ablation: report.ablation === null ? 0 : 4 * P * M, beta: 4 * P * E,
      alphaLargest: 4 * P * E, signal: P * 2 * M * T, alpha: P * E * S };
    const expected = Object.values(sizes).reduce((a, b) => a + b, 0);
    if (buffer.byteLength !== expected) {
      throw new Error(`The pages of genes are damaged: ${buffer.byteLength} bytes where ${expected} are due.`);
    }
    const view = new DataView(buffer), bytes = new Uint8Array(buffer), at = {};
    let offset = 0;
    for (const [name, size] of Object.entries(sizes)) { at[name] = offset; offset += size; }
    const float = (start, k) => view.getFloat32(start + 4 * k, true);
    const scaled = (start, length, largest) => Array.from(bytes.subarray(start, start + length), (x) => (x / 255) * largest);
    return (p) => ({
      marks: report.marks.map((mark, m) => {
        const largest = float(at.signalLargest, p * M + m);
        const signal = (cell) => scaled(at.signal + ((p * 2 + cell) * M + m) * T, T, largest);
        return { mark, largest, a: signal(0), b: signal(1),
          ablation: report.ablation === null ? null : float(at.ablation, p * M + m) };
      }),
      encoders: report.encoders.map((encoder, e) => {
        const largest = float(at.alphaLargest, p * E + e);
        return { ...encoder, beta: float(at.beta, p * E + e), largest,
          alpha: scaled(at.alpha + (p * E + e) * S, S, isNumber(largest) ? largest : 0) };
      }),
    });
  }
  let pagesPromise = null;   // unpacked once, when the first page is opened
  const pages = () => (pagesPromise ??= readPages());

  // ---- the figure of a gene ----

  const SPAN = report.upstream + report.downstream;
  const kb = (bp) => fixed(bp / 1000, 1, true);
  // Centre of the k-th of n equal parts of the window, in bp from the TSS.
  const centre = (k, n) => ((k + 0.5) / n) * SPAN - report.upstream;
  function peak(values) {
    const k = values.reduce((best, x, n) => (x > values[best] ? n : best), 0);
    return values[k] > 0 ? kb(centre(k, values.length)) : '–';
  }

  const pen = document.createElement('canvas').getContext('2d');
  function textWidth(text, bold) {
    pen.font = `${bold ? '650 13px' : '12px'} ${getComputedStyle(document.body).fontFamily}`;
    return pen.measureText(text).width;
  }
  function shorten(text, width, bold) {
    if (textWidth(text, bold) <= width) return text;
    let end = text.length;
    while (end > 1 && textWidth(text.slice(0, end) + '…', bold) > width) end--;
    return text.slice(0, end) + '…';
  }

  const ofOneMark = (encoder) => report.marks.includes(encoder.mark);

  // Rows of the figure: a mark with its encoders each; encoders of no single mark come last.
  function rowsOf(page) {
    const rows = page.marks.map((mark) => ({ ...mark, encoders: page.encoders.filter((e) => e.mark === mark.mark) }));
    for (const mark of new Set(page.encoders.filter((e) => !ofOneMark(e)).map((e) => e.mark))) {
      rows.push({ mark, a: null, ablation: null, encoders: page.encoders.filter((e) => e.mark === mark) });
    }
    return rows;
  }

  const BETA_TITLE = 'Attention over marks';
  const ABLATION_TITLE = report.classifies ? 'Ablation (score)' : 'Ablation (log2)';

  // Widths of the columns, the same for all rows of a gene, from the texts they have to hold.
  function layoutOf(page, available) {
    const width = Math.round(Math.min(900, Math.max(620, available)));
    const bar = width < 760 ? 60 : 90;
    const number = textWidth('−0.000') + 8;
    const labels = ['kb from TSS', ...page.encoders.map((e) => e.channel), ...page.marks.map((m) => short(m.largest))];
    const left = Math.min(150, Math.max(...labels.map((text) => textWidth(text)))) + 10;
    let right = width - 2;
    const column = (title) => {
      const start = right - Math.max(bar + number, textWidth(title));
      const place = { start, bar: right - number - start, right };
      right = start - 22;
      return place;
    };
    const ablation = report.ablation === null ? null : column(ABLATION_TITLE);
    const beta = page.encoders.length ? column(BETA_TITLE) : null;
    if (!ablation && !beta) right -= 10;   // room for half of the last tick's label
    const largest = (values) => Math.max(1e-9, ...values.filter(isNumber).map(Math.abs));
    return { width, left, right, beta, ablation,
      betaLargest: largest(page.encoders.filter(ofOneMark).map((e) => e.beta)), ablationLargest: largest(page.marks.map((m) => m.ablation)) };
  }

  function ticks() {
    const step = [100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000].find((s) => SPAN / s <= 5) || SPAN / 4;
    const found = [];
    for (let x = -Math.floor(report.upstream / step) * step; x <= report.downstream; x += step) found.push(x);
    return found;
  }

  function drawProfile(row, x, top, height) {
    const y = (signal) => top + height - (row.largest > 0 ? (signal / row.largest) * height : 0);
    const n = row.a.length;
    const points = (values) => values.map((v, k) => `${x(centre(k, n)).toFixed(1)},${y(v).toFixed(1)}`).join(' ');
    const base = (top + height).toFixed(1);
    const area = (values, name) => svg('polygon', { class: name,
      points: `${x(centre(0, n)).toFixed(1)},${base} ${points(values)} ${x(centre(n - 1, n)).toFixed(1)},${base}` });
    return [area(row.a, 'area-a'), area(row.b, 'area-b'),
      svg('polyline', { class: 'line-a', points: points(row.a) }), svg('polyline', { class: 'line-b', points: points(row.b) })];
  }

  // White to the dark colour of attention, 0 to the largest attention of the strip.
  function shade(share) {
    const mix = [75, 29, 107].map((dark) => Math.round(255 + (dark - 255) * share));
    return `rgb(${mix.join(',')})`;
  }

  function drawEncoder(encoder, layout, x, top) {
    const S = encoder.alpha.length, step = (layout.right - layout.left) / S;
    const text = (name, at, content) => svg('text', { class: name, x: at, y: top + 11, 'text-anchor': 'end' }, content);
    const largest = encoder.largest > 0 ? encoder.largest : 1;
    const drawn = [text('channel', layout.left - 8, shorten(encoder.channel, layout.left - 10)),
      ...encoder.alpha.map((alpha, s) => svg('rect', { x: (layout.left + s * step).toFixed(2), y: top + 1,
        width: (step + 0.3).toFixed(2), height: 12, fill: shade(alpha / largest) })),
      svg('rect', { class: 'axis', x: layout.left, y: top + 1, width: layout.right - layout.left, height: 12 })];
    drawn.push(text('value', layout.beta.right, fixed(encoder.beta, 3, false)));
    if (!ofOneMark(encoder)) return drawn;   // its 1 of 1 would dwarf the bars of the marks
    const share = isNumber(encoder.beta) ? Math.max(0, encoder.beta) / layout.betaLargest : 0;
    drawn.push(svg('path', { class: 'axis', d: `M${layout.beta.start},${top}v14` }),
      svg('rect', { class: 'beta', x: layout.beta.start, y: top + 2, height: 10, width: (share * layout.beta.bar).toFixed(1) }));
    return drawn;
  }

  function drawAblation(x, column, largest, middle) {
    const zero = column.start + column.bar / 2;
    const length = isNumber(x) ? (Math.abs(x) / largest) * (column.bar / 2) : 0;
    return [svg('rect', { class: 'ablation', x: (x < 0 ? zero - length : zero).toFixed(1), y: middle - 7, width: length.toFixed(1), height: 14 }),
      svg('path', { class: 'axis', d: `M${zero},${middle - 12}v24` }),
      svg('text', { class: 'value', x: column.right, y: middle + 4, 'text-anchor': 'end' }, fixed(x, 2, true))];
  }

  function describe(row) {
    const parts = [];
    if (row.a) parts.push(`Largest signal ${short(row.largest)} ${report.signal_unit}; A is highest at ${peak(row.a)} kb, B at ${peak(row.b)} kb from the TSS.`);
    for (const e of row.encoders) {
      parts.push(`Channel ${e.channel}: attention over marks ${fixed(e.beta, 3, false)}, attention over bins highest at ${peak(e.alpha)} kb.`);
    }
    if (row.ablation !== null) parts.push(`Ablation ${fixed(row.ablation, 2, true)}.`);
    return parts.join(' ');
  }

  // A row is an svg of its own, so that a figure of many marks can part between marks when printed.
  function drawRow(row, layout, geneName, number) {
    const x = (bp) => layout.left + ((bp + report.upstream) / SPAN) * (layout.right - layout.left);
    const top = 26, profile = row.a ? 64 : 0, strips = top + profile + (row.a ? 6 : 0);
    const bottom = strips + 15 * row.encoders.length, height = bottom + 22;
    const text = (name, at, y, anchor, ...content) => svg('text', { class: name, x: at, y, 'text-anchor': anchor }, ...content);
    const unit = row.a ? ` (${report.signal_unit})` : '';
    const room = (layout.beta || layout.ablation || { start: layout.width }).start - 16 - textWidth(unit);
    const title = shorten(row.mark, room, true);
    const drawn = [svg('title', { id: `gene-row-title-${number}` }, row.a
      ? `${row.mark} around the TSS of ${geneName}: signal of A and B` : `${row.mark}: attention at ${geneName}`),
    svg('desc', { id: `gene-row-desc-${number}` }, describe(row)),
    text('mark', 0, 15, 'start', title, svg('tspan', { class: 'unit' }, unit))];
    if (layout.beta && row.encoders.length) drawn.push(text('column', layout.beta.right, 15, 'end', BETA_TITLE));
    if (row.a) {
      drawn.push(...drawProfile(row, x, top, profile), text('tick', layout.left - 8, top + profile, 'end', '0'),
        svg('path', { class: 'axis', d: `M${layout.left},${top}v${profile}H${layout.right}` }));
      if (row.largest > 0) drawn.push(text('tick', layout.left - 8, top + 9, 'end', short(row.largest)));
    }
    row.encoders.forEach((encoder, n) => drawn.push(...drawEncoder(encoder, layout, x, strips + 15 * n)));
    if (layout.ablation && row.ablation !== null) {
      drawn.push(text('column', layout.ablation.right, 15, 'end', ABLATION_TITLE),
        ...drawAblation(row.ablation, layout.ablation, layout.ablationLargest, top + profile / 2));
    }
    drawn.push(svg('path', { class: 'tss', d: `M${x(0)},${top}V${bottom}` }), text('tick', layout.left - 8, height - 5, 'end', 'kb from TSS'));
    ticks().forEach((bp, n) => drawn.push(svg('path', { class: 'axis', d: `M${x(bp)},${bottom}v4` }),
      text('tick', x(bp), height - 5, n === 0 && bp === -report.upstream ? 'start' : 'middle', short(bp / 1000))));
    return svg('svg', { role: 'img', viewBox: `0 0 ${layout.width} ${height}`, width: layout.width, height,
      'aria-labelledby': `gene-row-title-${number}`, 'aria-describedby': `gene-row-desc-${number}` }, ...drawn);
  }

  // ---- the page of a gene ----

  function legend(page) {
    const cell = (letter, name) => (name === null ? `cell type ${letter} of the pair` : `${letter}: ${name}`);
    const item = (swatch, text) => html('li', {}, html('span', { class: `swatch ${swatch}` }), html('span', {}, text));
    return html('ul', { class: 'legend' },
      item('line-a', `signal in ${cell('A', report.a)}`), item('line-b', `signal in ${cell('B', report.b)}`),
      page.encoders.length ? item('strip', 'strip: attention over bins, from 0 to the largest of the strip') : null,
      page.encoders.length ? item('beta', 'bar: attention over marks') : null,
      report.ablation === null ? null : item('ablation', `bar about zero: ablation, ${report.ablation}`));
  }

  function captionOf(page) {
    const ways = { strand: 'upstream on the left (5′ to 3′ of the gene)', genome: 'along the genome, whatever the strand' };
    const honest = page.encoders.length === 0 ? (report.ablation === null ? '' : 'The bars of ablation are the change of the prediction itself.')
      : 'Attention says where the network looked, not what moved its prediction' +
        (report.ablation === null ? '.' : '; the bars of ablation are the change of the prediction itself.');
    return html('figcaption', {}, honest + ` Position is in kb from the TSS (dashed line), ${ways[report.order]}. ` +
      'The number at the top of an axis is the largest signal of the mark over both cell types; bars of one kind share one scale.');
  }

  function strongest(page) {
    const best = (items, size) => items.filter((x) => isNumber(size(x))).sort((x, y) => size(y) - size(x))[0];
    const beta = best(page.encoders.filter(ofOneMark), (e) => e.beta);
    const ablation = report.ablation === null ? undefined
      : best(page.marks, (m) => (isNumber(m.ablation) ? Math.abs(m.ablation) : NaN));
    const parts = [];
    if (beta) parts.push(`Strongest mark by attention: ${beta.mark} (channel ${beta.channel}, ${fixed(beta.beta, 3, false)}).`);
    if (ablation) parts.push(`Strongest mark by ablation: ${ablation.mark} (${fixed(ablation.ablation, 2, true)}).`);
    return parts.length && page.marks.length > 1 ? html('p', {}, parts.join(' ')) : null;
  }

  function numbersTable(page) {
    const attention = page.encoders.length > 0;
    const headings = [['Mark'], ['Largest signal', 1]];
    if (attention) headings.push(['Channel'], ['Attention over marks', 1], ['Largest attention over bins', 1], ['at (kb from TSS)', 1]);
    if (report.ablation !== null) headings.push(['Ablation', 1]);
    const td = (text, rows) => html('td', { class: 'number', rowspan: rows > 1 ? rows : null }, text);
    const groups = rowsOf(page).map((row) => {
      const n = Math.max(1, row.encoders.length);
      const lines = Array.from({ length: n }, (_, k) => {
        const e = row.encoders[k];
        if (!attention) return html('tr', {});
        return html('tr', {}, html('td', {}, e ? e.channel : '–'), td(e ? fixed(e.beta, 3, false) : '–'),
          td(e ? short(e.largest) : '–'), td(e ? peak(e.alpha) : '–'));
      });
      lines[0].prepend(html('th', { scope: 'rowgroup', rowspan: n > 1 ? n : null }, row.mark), td(row.a ? short(row.largest) : '–', n));
      if (report.ablation !== null) lines[0].append(td(fixed(row.ablation, 2, true), n));
      return html('tbody', {}, ...lines);
    });
    return html('details', {}, html('summary', {}, 'Numbers'), html('div', { class: 'table' }, html('table', {},
      html('caption', {}, `Signal in ${report.signal_unit}` + (report.ablation === null ? '' : `; ablation: ${report.ablation}`)),
      html('thead', {}, html('tr', {}, ...headings.map(([text, number]) =>
        html('th', { scope: 'col', class: number ? 'number' : null }, text)))), ...groups)));
  }

  function geneFacts(i) {
    const facts = [['Cell types', pairOf(i) ?? (report.a === null ? null : `${report.a} (A), ${report.b} (B)`)], ['Location', locationOf(i)],
      ['Split', value('split', i)], ['Observed', value('observed', i) === null ? null : observedText(i)], ['Predicted', predictedText(i)],
      ['Predicted minus observed', report.classifies || value('observed', i) === null ? null
        : fixed(value('predicted', i) - value('observed', i), 2, true)],
      ['Spread', value('spread', i) === null ? null : fixed(value('spread', i), 2, false)]];
    return html('dl', { class: 'facts' }, ...facts.filter(([, text]) => text !== null).map(([name, text]) =>
      html('div', {}, html('dt', {}, name), html('dd', {}, text))));
  }

  async function openGene(i) {
    const name = nameOf(i);
    const heading = html('h3', { id: 'gene-page-title', tabindex: '-1' }, name,
      name === genes.id[i] ? null : html('span', { class: 'gene-id' }, genes.id[i]));
    const close = html('button', { type: 'button', id: 'gene-close' }, 'Back to the table');
    close.addEventListener('click', () => { location.hash = 'genes'; });
    const status = html('p', { role: 'status' }, 'Unpacking the pages of genes…');
    const article = html('article', { id: 'gene-page', 'aria-labelledby': 'gene-page-title' }, close, heading, geneFacts(i),
      html('p', { class: 'note' }, (report.classifies ? 'Predicted is a score of going up; observed: ' : 'Observed and predicted: ') + report.label), status);
    show(article);
    article.scrollIntoView();
    heading.focus({ preventScroll: true });
    try {
      const page = (await pages())(pageIndex(i));
      if (!article.isConnected) return;   // another gene was asked for meanwhile
      const layout = layoutOf(page, article.clientWidth);
      const rows = rowsOf(page).map((row, n) => drawRow(row, layout, name, n));
      status.replaceWith(...[strongest(page), legend(page), html('figure', { id: 'gene-figure' },
        html('div', { class: 'rows', role: 'region', 'aria-label': `Marks around the TSS of ${name}`, tabindex: '0' }, ...rows),
        captionOf(page)), numbersTable(page)].filter(Boolean));
    } catch (error) {
      status.className = 'message';
      status.textContent = error.message;
    }
  }

  // Shows the page of a gene in place of the table, a message above the table, or the table alone.
  function show(node) {
    const page = node && node.id === 'gene-page';
    list.root.hidden = Boolean(page);
    browser.replaceChildren(...(node ? [node, list.root] : [list.root]));
  }

  let opened = -1;   // the gene whose page is open
  function route() {
    const address = parseAddress();
    if (!address) {
      const last = opened;
      opened = -1;
      show(null);
      if (last >= 0 && (location.hash === '' || location.hash === '#genes')) returnTo(last);
      return;
    }
    const i = findGene(address.gene, address.pair);
    opened = -1;
    if (i >= 0 && pageIndex(i) !== undefined) {
      opened = i;
      openGene(i);
      return;
    }
    show(html('p', { class: 'message', id: 'gene-message', role: 'alert' }, i < 0
      ? `There is no gene ${address.gene}${address.pair === undefined ? '' : ` of the pair ${address.pair}`} in this report.`
      : `The gene ${address.gene} has no page in this report; ask for it with --genes.`));
    browser.scrollIntoView();
  }

  // Puts the focus on the link of the gene whose page was closed, or on the search box where the filters hide it.
  function returnTo(i) {
    const at = state.listed.indexOf(i);
    if (at >= 0 && Math.floor(at / ROWS) !== state.page) {
      state.page = Math.floor(at / ROWS);
      showRows();
    }
    (list.body.querySelector(`a[data-index="${i}"]`) || list.search).focus();
  }

  const list = buildList();
  update();
  route();
  window.addEventListener('hashchange', route);
})();
