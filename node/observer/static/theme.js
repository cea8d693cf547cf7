// Before anything is drawn: the colours that the viewer has chosen, else those of the system.
"use strict";
{
  const chosen = localStorage.getItem("dcn-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
