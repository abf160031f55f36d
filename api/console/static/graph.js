// Pictures of graphs: those that a page brings (data-graph), and the one that is explored (data-explore). The table beside each has the same edges.
'use strict';
(() => {
  const PALETTE = { Item: '--graph', User: '--statement', Brand: '--learned', Category: '--label' };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const titled = (node) => node.count != null ? `${node.count} × ${node.label}` : short(node.title || node.key, 28);
  const element = (node) => ({ data: { id: node.id, name: titled(node), label: node.label, key: node.key, title: node.title || node.key, role: node.role || '', count: node.count ?? null } });
  const edgeId = (edge) => `${edge.source}\u0000${edge.type}\u0000${edge.target}`;
  const link = (edge) => ({ data: { id: edgeId(edge), source: edge.source, target: edge.target, type: edge.type, share: edge.share ?? null } });
  const style = () => [
    { selector: 'node', style: { label: 'data(name)', 'font-size': 11, 'font-family': 'system-ui, sans-serif', color: colour('--ink'), 'text-valign': 'bottom', 'text-margin-y': 4, 'text-wrap': 'wrap', 'text-max-width': 120, 'background-color': colour('--rest'), width: 22, height: 22, 'text-background-color': colour('--card'), 'text-background-opacity': 0.85, 'text-background-padding': 1 } },
    ...Object.entries(PALETTE).map(([label, name]) => ({ selector: `node[label = "${label}"]`, style: { 'background-color': colour(name) } })),
    { selector: 'node[role = "item"]', style: { width: 32, height: 32, 'border-width': 3, 'border-color': colour('--ink'), 'font-weight': 'bold' } },
    { selector: 'node[role = "user"]', style: { width: 28, height: 28, shape: 'round-rectangle' } },
    { selector: 'edge', style: { 'font-size': 8, color: colour('--soft'), 'text-rotation': 'autorotate', 'text-background-color': colour('--card'), 'text-background-opacity': 0.85, width: 1.6, 'line-color': colour('--line-strong'), 'target-arrow-color': colour('--line-strong'), 'target-arrow-shape': 'triangle', 'arrow-scale': 0.8, 'curve-style': 'bezier' } },
    { selector: 'edge.named, edge:selected, edge.near', style: { label: 'data(type)' } },
    { selector: ':selected', style: { 'border-width': 3, 'border-color': colour('--focus'), 'line-color': colour('--focus'), 'target-arrow-color': colour('--focus') } },
  ];
  const STAR = { name: 'concentric', animate: false, concentric: (node) => node.degree(), levelWidth: () => 1, minNodeSpacing: 50, padding: 30 };
  // From the shopper on the left to the item on the right: a picture of paths is read as they are walked.
  const walked = { name: 'breadthfirst', roots: 'node[role = "user"]', directed: false, animate: false, padding: 30, spacingFactor: 1, avoidOverlap: true, transform: (node, at) => ({ x: at.y * 2.2, y: at.x * 0.55 }) };
  const layout = (many, fresh) => many > 120 ? { name: 'concentric', animate: false, minNodeSpacing: 8 } : { name: 'cose', animate: false, randomize: fresh, nodeRepulsion: () => 14000, idealEdgeLength: () => 95, nodeOverlap: 24, componentSpacing: 80, padding: 24, numIter: 900 };
  // Names of many edges would lie over one another: they are shown at the node that the pointer is on.
  const named = (cy) => {
    const few = cy.edges().length <= 12;
    cy.edges().toggleClass('named', few);
  };
  const make = (container, data) => ready(cytoscape({ container, elements: [...data.nodes.map(element), ...data.edges.map(link)], style: style(), layout: data.nodes.some((node) => node.role === 'user') ? walked : layout(data.nodes.length, true), minZoom: 0.15, maxZoom: 3 }));
  const ready = (cy) => {
    named(cy);
    cy.on('mouseover', 'node', (event) => event.target.connectedEdges().addClass('near'));
    cy.on('mouseout', 'node', (event) => event.target.connectedEdges().removeClass('near'));
    return cy;
  };
  const restyle = new Set();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => restyle.forEach((cy) => cy.style(style())));

  const save = (name, blob) => {
    const anchor = document.createElement('a');
    anchor.href = URL.createObjectURL(blob);
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  };
  const xml = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '').replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const graphml = (cy) => {
    const nodes = cy.nodes().map((n) => `<node id="${xml(n.id())}"><data key="label">${xml(n.data('label'))}</data><data key="key">${xml(n.data('key'))}</data><data key="title">${xml(n.data('title'))}</data></node>`);
    const edges = cy.edges().map((e) => `<edge source="${xml(e.data('source'))}" target="${xml(e.data('target'))}"><data key="type">${xml(e.data('type'))}</data></edge>`);
    const keys = ['label', 'key', 'title'].map((name) => `<key id="${name}" for="node" attr.name="${name}" attr.type="string"/>`).join('');
    return `<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">${keys}<key id="type" for="edge" attr.name="type" attr.type="string"/><graph edgedefault="directed">${nodes.join('')}${edges.join('')}</graph></graphml>\n`;
  };
  // A spreadsheet would run a cell that begins like a formula.
  const cell = (text) => `"${String(text).replace(/^[=+\-@\t\r]/, "'$&").replace(/"/g, '""')}"`;
  const csv = (cy) => ['source_label,source,type,target_label,target', ...cy.edges().map((e) => [e.source().data('label'), e.source().data('key'), e.data('type'), e.target().data('label'), e.target().data('key')].map(cell).join(','))].join('\r\n');
  const tools = (root, cy) => {
    root.querySelectorAll('[data-export]').forEach((button) => button.addEventListener('click', () => {
      if (button.dataset.export === 'png') cy.png({ output: 'blob-promise', full: true, scale: 2, bg: colour('--card') }).then((blob) => save('graph.png', blob));
      if (button.dataset.export === 'graphml') save('graph.graphml', new Blob([graphml(cy)], { type: 'application/xml' }));
      if (button.dataset.export === 'csv') save('graph.csv', new Blob([csv(cy)], { type: 'text/csv' }));
    }));
    root.querySelectorAll('[data-fit]').forEach((button) => button.addEventListener('click', () => cy.fit(undefined, 24)));
  };

  const drawn = new WeakMap();
  const show = (container) => {
    if (drawn.has(container)) return;
    const cy = make(container, JSON.parse(container.dataset.graph));
    drawn.set(container, cy);
    restyle.add(cy);
    tools(container.closest('.picture'), cy);
    container.cy = cy;
  };

  const explore = (container) => {
    if (drawn.has(container)) return;
    const cy = make(container, { nodes: [], edges: [] });
    drawn.set(container, cy);
    restyle.add(cy);
    container.cy = cy;
    const page = container.closest('.explorer');
    const rows = page.querySelector('[data-rows]');
    const words = page.dataset;
    tools(page, cy);
    const tell = (text) => { page.querySelector('[data-status]').textContent = text; };
    const address = () => {
      // Shoppers that are counted together have no name to be found by.
      const ids = cy.nodes().map((node) => node.id()).filter((id) => !id.includes(':~')).slice(0, 60);
      const url = new URL(location.href);
      url.search = '';
      ids.forEach((id) => url.searchParams.append('node', id));
      history.replaceState(null, '', url);
    };
    const table = () => {
      rows.replaceChildren(...cy.edges().map((edge) => {
        const row = document.createElement('tr');
        const add = (text, button) => {
          const box = document.createElement('td');
          if (button) {
            const press = document.createElement('button');
            press.type = 'button';
            press.className = 'quiet';
            press.textContent = text;
            press.addEventListener('click', button);
            box.append(press);
          } else {
            box.textContent = text;
          }
          row.append(box);
        };
        const named = (node) => node.data(node.data('count') == null ? 'title' : 'name');
        add(named(edge.source()), () => focus(edge.source()));
        add(edge.data('type'), () => evidence(edge));
        add(named(edge.target()), () => focus(edge.target()));
        return row;
      }));
      page.querySelector('[data-count]').textContent = words.count.replace('{nodes}', cy.nodes().length).replace('{edges}', cy.edges().length);
      page.querySelector('[data-blank]').hidden = cy.nodes().length > 0;
    };
    const add = (data, around) => {
      const before = cy.nodes().length;
      const at = around ? around.position() : null;
      const fresh = data.nodes.filter((node) => cy.getElementById(node.id).empty());
      cy.add(fresh.map((node, place) => {
        const made = element(node);
        if (at) made.position = { x: at.x + 130 * Math.cos((2 * Math.PI * place) / fresh.length), y: at.y + 130 * Math.sin((2 * Math.PI * place) / fresh.length) };
        return made;
      }));
      cy.add(data.edges.filter((edge) => cy.getElementById(edgeId(edge)).empty() && cy.getElementById(edge.source).nonempty() && cy.getElementById(edge.target).nonempty()).map(link));
      named(cy);
      const star = cy.edges().length > 2 && cy.nodes().length < 40 && cy.nodes().max((node) => node.degree()).value === cy.edges().length;
      if (fresh.length || !before) cy.layout(star ? STAR : layout(cy.nodes().length, before < 3)).run();
      table();
      address();
      if (data.note) tell(data.note);
      return fresh.length;
    };
    const ask = async (path, parameters) => {
      tell(words.loading);
      const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`, { headers: { Accept: 'application/json', 'HX-Request': 'false' } });
      if (answer.status === 401 || answer.redirected) { location.assign('/console/sign-in'); throw new Error('signed out'); }
      const body = await answer.json();
      if (!answer.ok) { tell([body.detail, body.hint].filter(Boolean).join(' → ')); throw new Error(body.detail); }
      tell('');
      return body;
    };
    const chosen = () => [...page.querySelectorAll('[name=relation]:checked')].map((box) => box.value);
    const expand = async (node) => {
      const parameters = [['node', node.id()], ['limit', page.querySelector('[name=limit]').value], ...chosen().map((name) => ['relation', name])];
      try { const n = add(await ask('/console/graph/neighbours', parameters), node); if (!n) tell(words.nothing); } catch { /* said above */ }
    };
    const focus = (node) => {
      cy.elements().unselect();
      node.select();
      htmx.ajax('GET', `/console/graph/node?${new URLSearchParams({ node: node.id() })}`, { target: '#panel', swap: 'innerHTML' });
      page.querySelector('[data-expand]').hidden = false;
      page.querySelector('[data-remove]').hidden = false;
      current = node;
    };
    const evidence = (edge) => {
      cy.elements().unselect();
      edge.select();
      htmx.ajax('GET', `/console/graph/evidence?${new URLSearchParams({ source: edge.data('source'), type: edge.data('type'), target: edge.data('target') })}`, { target: '#panel', swap: 'innerHTML' });
    };
    let current = null;
    cy.on('tap', 'node', (event) => focus(event.target));
    cy.on('dbltap', 'node', (event) => expand(event.target));
    cy.on('tap', 'edge', (event) => evidence(event.target));
    page.querySelector('[data-expand]').addEventListener('click', () => current && expand(current));
    page.querySelector('[data-remove]').addEventListener('click', () => { if (current) { current.remove(); current = null; table(); address(); } });
    page.querySelector('[data-clear]').addEventListener('click', () => { cy.elements().remove(); current = null; table(); address(); });
    page.querySelector('[data-share]').addEventListener('click', () => navigator.clipboard && navigator.clipboard.writeText(location.href).then(() => reckon.say(document.body.dataset.copied)));
    page.addEventListener('click', (event) => {
      const found = event.target.closest('[data-node]');
      if (found) ask('/console/graph/between', [['node', found.dataset.node], ...cy.nodes().map((node) => node.id()).filter((id) => !id.includes(':~')).map((id) => ['node', id]).slice(0, 59)]).then((data) => { add(data, null); focus(cy.getElementById(found.dataset.node)); }, () => {});
    });
    page.querySelector('[data-paths]').addEventListener('submit', (event) => {
      event.preventDefault();
      ask('/console/graph/paths', new FormData(event.target)).then((data) => { if (!add(data, null) && !data.edges.length) tell(words.nothing); }, () => {});
    });
    const seeds = new URL(location.href).searchParams.getAll('node');
    if (seeds.length) ask('/console/graph/between', seeds.map((id) => ['node', id])).then((data) => {
      add(data, null);
      if (seeds.length === 1) { const only = cy.getElementById(seeds[0]); if (only.nonempty()) { focus(only); expand(only); } }
    }, () => {});
    table();
  };
  document.addEventListener('DOMContentLoaded', () => window.reckon.onShown((root) => {
    root.querySelectorAll('[data-graph]').forEach(show);
    root.querySelectorAll('[data-explore]').forEach(explore);
  }));
})();
