// The banner of a replay: where it stands, and its buttons. What answers them is `/v1/replay`.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  let at = null;
  let held = false; // the slider is being moved

  const clock = (ms) => new Date(ms).toISOString().replace("T", " ").replace("Z", "");
  const state = () => {
    if (at.trouble) return `stopped: ${at.trouble}`;
    if (at.jumping_to !== null) return `on the way to block ${at.jumping_to}`;
    if (at.playing) return "playing";
    return at.height === at.last ? "at the end" : "paused";
  };
  const show = (found) => {
    if (at && found.change < at.change) return; // an answer that the stream has overtaken
    at = found;
    byId("r-height").textContent = at.height;
    byId("r-time").textContent = clock(at.time_ms);
    byId("r-speed").textContent = at.speed === 0 ? "as fast as it goes" : `×${at.speed}`;
    byId("r-state").textContent = state();
    byId("r-play").textContent = at.playing ? "Pause" : "Play";
    if (!held) byId("r-place").value = at.height;
    byId("r-place").setAttribute("aria-valuetext", `block ${at.height}, ${clock(at.time_ms)}`);
  };

  const tell = async (what, body) => {
    const said = byId("r-said");
    try {
      const answer = await fetch(`/v1/replay/${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "DCN-Page": "replay" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      if (answer.status === 401) return location.assign("/login");
      const found = await answer.json();
      said.hidden = answer.ok;
      if (answer.ok) show(found);
      else said.textContent = `${found.code}: ${found.detail}. ${found.remedy}`;
    } catch {
      said.hidden = false;
      said.textContent = "The replay does not answer: it has ended.";
    }
  };
  const jump = (to) => tell("jump", { to: String(to) });

  byId("r-play").addEventListener("click", () => tell(at?.playing ? "pause" : "play"));
  byId("r-step").addEventListener("click", () => tell("step"));
  byId("r-back").addEventListener("click", async () => {
    if (!at) return;
    const before = Math.max(at.first, (at.jumping_to ?? at.height) - 1);
    await tell("pause");
    await jump(before);
  });
  const place = byId("r-place");
  place.addEventListener("input", () => (held = true));
  place.addEventListener("change", () => {
    held = false;
    jump(place.value);
  });
  const onSubmit = (id, act) =>
    byId(id).addEventListener("submit", (event) => {
      event.preventDefault();
      act(new FormData(event.target));
    });
  onSubmit("r-jump", (form) => jump(form.get("to").trim()));
  onSubmit("r-next", (form) => tell("jump", { next: form.get("next") }));
  onSubmit("r-pace", (form) => tell("speed", { speed: Number(form.get("speed")) }));

  window.dcnStream?.addEventListener("replay", (event) => show(JSON.parse(event.data)));
})();
