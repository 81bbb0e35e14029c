// Keeps the page alive: the server sends the parts that changed, this puts them in their place. Nothing else.
"use strict";
(() => {
  const age = document.getElementById("age");
  const staleAfter = Number(age.dataset.stale);
  let heard = null; // when the last event came
  let older = 0; // how old its content was when it was sent, seconds

  const tell = () => {
    const seconds = heard === null ? null : (performance.now() - heard) / 1000 + older;
    if (seconds === null) {
      age.textContent = "connecting";
    } else if (seconds < staleAfter) {
      age.textContent = "live";
    } else {
      age.textContent = `no update for ${Math.round(seconds)} s`;
    }
    age.classList.toggle("waiting", seconds === null);
    age.classList.toggle("stale", seconds !== null && seconds >= staleAfter);
  };

  const put = (id, html) => {
    const place = document.getElementById(id);
    // What somebody points at, reads with the keyboard or has selected stays until they are done.
    const selected = document.getSelection();
    const pointed = id === "decisions" && place.querySelector("tbody").matches(":hover");
    const busy = pointed || place.contains(document.activeElement) || (!selected.isCollapsed && place.contains(selected.anchorNode));
    if (!busy) {
      place.innerHTML = html;
    }
  };

  const source = new EventSource("/live");
  source.addEventListener("parts", (event) => {
    const { age_s: sent, parts } = JSON.parse(event.data);
    for (const [id, html] of Object.entries(parts)) {
      put(id, html);
    }
    heard = performance.now();
    older = sent;
    tell();
  });
  tell();
  setInterval(tell, 1000);
})();
