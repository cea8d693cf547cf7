// Live updates, colours, and what stays as it was when a view is fetched again.
"use strict";
(() => {
  const REFRESH_MS = 1000; // a view is fetched again at most this often
  const SAID_MS = 15000; // and told to screen readers at most this often
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);

  // ---- colours
  const dark = () =>
    root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
  const themeButton = byId("theme");
  const nameTheme = () => themeButton?.setAttribute("aria-pressed", String(dark()));
  themeButton?.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    localStorage.setItem("dcn-theme", root.dataset.theme);
    nameTheme();
    drawCharts();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    nameTheme();
    drawCharts();
  });
  nameTheme();

  // ---- charts are drawn from the tables beside them
  const drawCharts = () => window.dcnCharts?.draw(document);

  // ---- live updates
  let paused = false;
  let waiting = null;
  let refreshed = 0;
  let said = 0;
  const view = () => byId("view");
  const pauseButton = byId("pause");
  pauseButton?.addEventListener("click", () => {
    paused = !paused;
    pauseButton.setAttribute("aria-pressed", String(paused));
    pauseButton.textContent = paused ? "Resume updates" : "Pause updates";
    if (!paused) soon();
  });

  const refresh = () => {
    waiting = null;
    if (paused || document.hidden || !view()?.dataset.live) return;
    refreshed = Date.now();
    htmx.trigger(view(), "refresh");
  };
  const soon = () => {
    if (waiting === null) {
      waiting = setTimeout(refresh, Math.max(0, refreshed + REFRESH_MS - Date.now()));
    }
  };
  document.addEventListener("visibilitychange", () => document.hidden || soon());

  const told = (height) => {
    byId("height").textContent = height;
    if (Date.now() - said > SAID_MS) {
      said = Date.now();
      byId("said").textContent = `Block ${height}`;
    }
  };
  const connect = () => {
    const stream = new EventSource("/v1/observer/stream");
    window.dcnStream = stream; // a replay's banner listens, too
    stream.addEventListener("block", (event) => {
      byId("stream").textContent = byId("replay") ? "connected" : "live";
      if (view() && event.data !== view().dataset.height) soon();
      told(event.data);
    });
    stream.addEventListener("alert", (event) => {
      const alert = JSON.parse(event.data);
      byId("said").textContent = `Alert ${alert.closed ? "closed" : "opened"}: ${alert.told}`;
    });
    stream.addEventListener("error", () => {
      byId("stream").textContent = "not connected, trying again";
    });
    addEventListener("pagehide", () => stream.close());
  };
  if (byId("stream")) connect();

  // ---- what a refresh keeps: opened details, scrolled tables
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "view") return;
    kept = {
      open: [...document.querySelectorAll("#view details[open][id]")].map((x) => x.id),
      left: [...document.querySelectorAll("#view .scroll[id]")].map((x) => [x.id, x.scrollLeft]),
      focus: document.activeElement?.id,
    };
    window.dcnCharts?.forget(view());
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (kept) {
      for (const id of kept.open) byId(id)?.setAttribute("open", "");
      for (const [id, left] of kept.left) if (byId(id)) byId(id).scrollLeft = left;
      if (kept.focus && document.activeElement === document.body) {
        byId(kept.focus)?.focus({ preventScroll: true });
      }
      kept = null;
    }
    drawCharts();
  });
  document.addEventListener("htmx:responseError", (event) => {
    byId("said").textContent = `The node answered ${event.detail.xhr.status}`;
    if (event.detail.target?.id === "view" && !byId("gone")) {
      const told = Object.assign(document.createElement("p"), { id: "gone", className: "trouble" });
      told.textContent = `At block ${byId("height").textContent} there is no such view (${event.detail.xhr.status}); what stands here is of block ${view().dataset.height}.`;
      view().prepend(told);
    }
  });
  document.addEventListener("DOMContentLoaded", drawCharts);

  // ---- a slider sets the list beside it, by hand and by arrow keys
  document.addEventListener("input", (event) => {
    const list = byId(event.target.dataset?.sets ?? "");
    if (!list) return;
    list.selectedIndex = Number(event.target.value);
    event.target.setAttribute("aria-valuetext", list.options[list.selectedIndex].text);
  });
  document.addEventListener("change", (event) => {
    const list = byId(event.target.dataset?.sets ?? "");
    if (list) list.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
