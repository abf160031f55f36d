// The editor: colours behind the text, completion of labels, relations and properties, the last queries of this browser.
'use strict';
(() => {
  const WORDS = 'ALL AND ANY AS ASC BY CALL CASE CONTAINS COUNT DESC DISTINCT ELSE END ENDS EXISTS FALSE IN IS LIMIT MATCH NONE NOT NULL OPTIONAL OR ORDER RETURN SINGLE SKIP STARTS THEN TRUE UNION UNWIND WHEN WHERE WITH XOR'.split(' ');
  const KEYS = new Set(WORDS);
  const TOKEN = /(\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?)|(\$[A-Za-z_]\w*)|(:\s*`?[A-Z]\w*`?(?:\s*\|\s*:?`?[A-Z]\w*`?)*)|(\b\d+(?:\.\d+)?\b)|(\b[A-Za-z_]\w*\b)|([\s\S])/g;
  const colour = (text, pre) => {
    const parts = [];
    const add = (piece, kind) => {
      if (!kind) { parts.push(document.createTextNode(piece)); return; }
      const span = document.createElement('span');
      span.className = `tok-${kind}`;
      span.textContent = piece;
      parts.push(span);
    };
    for (const match of text.matchAll(TOKEN)) {
      const kind = match[1] ? 'comment' : match[2] ? 'string' : match[3] ? 'param' : match[4] ? 'label' : match[5] ? 'number' : match[6] && KEYS.has(match[6].toUpperCase()) ? 'key' : '';
      add(match[0], kind);
    }
    pre.replaceChildren(...parts, document.createTextNode('\n'));
  };
  const HISTORY = 'reckon-queries';
  const past = () => { try { return JSON.parse(localStorage.getItem(HISTORY)) || []; } catch { return []; } };
  const start = () => {
    const editor = document.querySelector('.editor');
    if (!editor) return;
    const area = editor.querySelector('textarea');
    const pre = editor.querySelector('pre');
    const form = area.form;
    const known = JSON.parse(editor.dataset.words);
    const list = document.createElement('ul');
    list.className = 'complete';
    list.id = 'completions';
    list.setAttribute('role', 'listbox');
    list.hidden = true;
    editor.append(list);
    area.setAttribute('aria-controls', 'completions');
    const paint = () => { colour(area.value, pre); pre.scrollTop = area.scrollTop; };
    let options = [];
    let at = 0;
    let span = [0, 0];
    const close = () => { list.hidden = true; options = []; area.removeAttribute('aria-activedescendant'); };
    const mark = () => [...list.children].forEach((item, place) => { item.setAttribute('aria-selected', String(place === at)); if (place === at) { item.scrollIntoView({ block: 'nearest' }); area.setAttribute('aria-activedescendant', item.id); } });
    const place = () => {
      const before = area.value.slice(0, area.selectionStart).split('\n');
      list.style.top = `${Math.min(before.length * 22 + 12, editor.clientHeight)}px`;
      list.style.left = `${Math.min(before[before.length - 1].length * 8.2 + 12, Math.max(12, editor.clientWidth - 220))}px`;
    };
    const complete = (forced) => {
      const before = area.value.slice(0, area.selectionStart);
      const inEdge = /\[\s*\w*\s*:[^\]]*?([A-Za-z_]*)$/.exec(before);
      const inNode = /\(\s*\w*\s*:[^)]*?([A-Za-z_]*)$/.exec(before);
      const property = /\b\w+\.([A-Za-z_]*)$/.exec(before);
      const word = /([A-Za-z]{2,})$/.exec(before);
      const [typed, from] = inEdge && before.lastIndexOf('[') > before.lastIndexOf(']') ? [inEdge[1], known.types]
        : inNode && before.lastIndexOf('(') > before.lastIndexOf(')') ? [inNode[1], known.labels]
          : property ? [property[1], known.properties] : word || forced ? [word ? word[1] : '', WORDS] : [null, []];
      if (typed === null) { close(); return; }
      options = from.filter((name) => name.toUpperCase().startsWith(typed.toUpperCase()) && name !== typed).slice(0, 40);
      if (!options.length) { close(); return; }
      at = 0;
      span = [area.selectionStart - typed.length, area.selectionStart];
      list.replaceChildren(...options.map((name, n) => {
        const item = document.createElement('li');
        item.id = `completion-${n}`;
        item.setAttribute('role', 'option');
        item.textContent = name;
        item.addEventListener('mousedown', (event) => { event.preventDefault(); at = n; take(); });
        return item;
      }));
      list.hidden = false;
      place();
      mark();
    };
    const take = () => {
      area.setRangeText(options[at], span[0], span[1], 'end');
      close();
      paint();
    };
    area.addEventListener('input', () => { paint(); complete(false); });
    area.addEventListener('scroll', () => { pre.scrollTop = area.scrollTop; });
    area.addEventListener('blur', close);
    area.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); close(); form.requestSubmit(document.getElementById('run')); return; }
      if (event.key === ' ' && event.ctrlKey) { event.preventDefault(); complete(true); return; }
      if (list.hidden) return;
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); at = (at + (event.key === 'ArrowDown' ? 1 : options.length - 1)) % options.length; mark(); }
      if (event.key === 'Enter' || event.key === 'Tab') { event.preventDefault(); take(); }
      if (event.key === 'Escape') { event.preventDefault(); close(); }
    });
    paint();
    const recent = document.querySelector('[data-history]');
    const show = () => {
      const queries = past();
      recent.replaceChildren(...queries.map((text) => {
        const item = document.createElement('li');
        const button = document.createElement('button');
        button.type = 'button';
        button.dataset.query = text;
        button.textContent = text.replace(/\s+/g, ' ').slice(0, 110);
        item.append(button);
        return item;
      }));
      document.querySelector('[data-no-history]').hidden = queries.length > 0;
    };
    if (recent) show();
    document.addEventListener('click', (event) => {
      const chosen = event.target.closest('[data-query]');
      if (chosen) { area.value = chosen.dataset.query; paint(); area.focus(); }
    });
    form.addEventListener('htmx:beforeRequest', (event) => {
      if (event.detail.elt !== form || !recent) return;
      const text = area.value.trim();
      try { localStorage.setItem(HISTORY, JSON.stringify([text, ...past().filter((each) => each !== text)].slice(0, 15))); } catch { /* a browser that keeps nothing */ }
      show();
    });
    // A file is no part of a page: this button sends the form as it is.
    form.querySelectorAll('[data-plain]').forEach((button) => button.addEventListener('click', (event) => {
      event.preventDefault();
      const action = form.action;
      form.action = button.formAction;
      HTMLFormElement.prototype.submit.call(form);
      form.action = action;
    }));
  };
  document.addEventListener('DOMContentLoaded', start);
})();
