(function () {
  "use strict";
  var units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  // The two largest units: 3 h 12 min.
  function span(seconds) {
    var parts = [];
    units.forEach(function (unit) {
      var count = Math.floor(seconds / unit[0]);
      seconds -= count * unit[0];
      if (parts.length === 0 ? count > 0 : parts.length === 1) {
        parts.push(count > 0 ? count + "\u00a0" + unit[1] : "");
      }
    });
    return parts.filter(Boolean).join(" ") || "0\u00a0s";
  }

  // The clock of whoever looks may be behind: what has happened is never told to come.
  function show() {
    document.querySelectorAll("time").forEach(function (time) {
      var seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      var comes = time.className === "due" ? 0 > seconds : false;
      time.title = time.title || time.textContent;
      time.textContent = comes ? "in " + span(-seconds) : span(Math.max(seconds, 0)) + " ago";
    });
  }

  var read = document.getElementById("read");
  read.textContent = "Read at " + new Date().toLocaleTimeString() + ", and again every half minute.";
  show();
  setInterval(show, 5000);
}());
