// Every text that a page shows, with a way to write over it: text nodes, shadow trees, what stands in form fields.
() => {
  const places = [];
  const walk = (root) => {
    const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        const inside = node.parentElement && node.parentElement.tagName;
        if (node.data.trim() && inside !== 'SCRIPT' && inside !== 'STYLE') places.push([node, 'data']);
        continue;
      }
      if (node.shadowRoot) walk(node.shadowRoot);
      for (const name of ['value', 'placeholder']) {
        if ('selectionStart' in node && node[name]) places.push([node, name]);
      }
    }
  };
  walk(document.documentElement);
  window.gonogoPlaces = places;
  return {
    texts: places.map(([node, name]) => node[name]),
    drawn: [...(window.gonogoDrawn || [])],
    lines: document.body ? document.body.innerText : '',
  };
};
