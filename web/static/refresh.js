// Reloads a page whose run is still going, while it is looked at and nobody is typing or choosing in it.
"use strict";
setInterval(() => {
  const busy = document.activeElement && document.activeElement !== document.body;
  if (!document.hidden && !busy && !getSelection().toString()) location.reload();
}, 5000);
