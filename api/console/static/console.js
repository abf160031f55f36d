// What every page needs: copying, outputs of ranges, confirmations, one line that says what happened. No text of a page becomes markup here.
'use strict';
(() => {
  document.documentElement.classList.add('js');
  const said = () => document.getElementById('said');
  let timer = 0;
  const say = (text) => {
    const line = said();
    if (!line) return;
    line.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => { line.textContent = ''; }, 2600);
  };
  window.reckon = { say, onShown: (act) => {
    act(document);
    document.addEventListener('htmx:afterSettle', (event) => act(event.detail.elt || document));
  } };
  document.addEventListener('click', (event) => {
    const copy = event.target.closest('[data-copy]');
    if (copy) {
      const done = () => say(document.body.dataset.copied);
      if (navigator.clipboard) navigator.clipboard.writeText(copy.dataset.copy).then(done, () => {});
    }
    const opens = event.target.closest('[data-opens]');
    if (opens) {
      const full = opens.closest('.item').querySelector('.full');
      if (opens.getAttribute('aria-expanded') === 'true') {
        full.replaceChildren();
        opens.setAttribute('aria-expanded', 'false');
        event.preventDefault();
        event.stopImmediatePropagation();
      } else {
        opens.setAttribute('aria-expanded', 'true');
      }
    }
  }, true);
  document.addEventListener('input', (event) => {
    if (event.target.type === 'range') {
      const output = document.querySelector(`output[for="${CSS.escape(event.target.id)}"]`);
      if (output) output.textContent = event.target.value;
    }
  });
  // On a narrow window the list comes first, and the controls open when they are wanted.
  document.addEventListener('DOMContentLoaded', () => {
    if (innerWidth <= 1000 && document.querySelector('.items, [data-explore]')) document.querySelectorAll('.fold').forEach((fold) => fold.removeAttribute('open'));
  });
  document.addEventListener('htmx:sendError', () => say('×'));
})();
