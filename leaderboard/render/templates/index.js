(function () {
  "use strict";
  document.documentElement.classList.add("scripted");

  // Which method for my log: show the families whose log is like the one described.
  var chooser = document.getElementById("chooser");
  function answer() {
    var kind = chooser.elements.kind.value, held = chooser.elements.held.value, shown = 0;
    document.querySelectorAll(".answer").forEach(function (item) {
      var fits = item.dataset.kind === kind && item.dataset.held.split(" ").indexOf(held) >= 0;
      item.hidden = !fits;
      shown += fits;
    });
    document.getElementById("chosen").textContent = shown
      ? shown + (shown === 1 ? " simulated situation is" : " simulated situations are") + " like yours."
      : "No simulated situation is like yours. What a log of this kind cannot identify, no method can recover.";
  }
  if (chooser) { chooser.addEventListener("change", answer); answer(); }

  // The heatmap: filter rows by name and track, columns by board; sort by any column.
  var name = document.getElementById("filter-name");
  if (name) {
    var board = document.getElementById("filter-board"), track = document.getElementById("filter-track");
    var filter = function () {
      var words = name.value.trim().toLowerCase(), shown = 0, all = 0;
      document.querySelectorAll("table.heat").forEach(function (table) {
        var heads = Array.prototype.slice.call(table.tHead.rows[0].cells, 1);
        var off = heads.map(function (head) { return board.value !== "" && head.dataset.board !== board.value; });
        heads.forEach(function (head, i) { head.hidden = off[i]; });
        Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
          var fits = row.cells[0].textContent.toLowerCase().indexOf(words) >= 0 &&
            (track.value === "" || row.dataset.track === track.value);
          row.hidden = !fits;
          shown += fits;
          all += 1;
          off.forEach(function (hide, i) { row.cells[i + 1].hidden = hide; });
        });
      });
      document.getElementById("filter-count").textContent = shown + " of " + all + " rows";
    };
    [name, board, track].forEach(function (control) { control.addEventListener("input", filter); });
    document.getElementById("filters").addEventListener("submit", function (event) { event.preventDefault(); });
    filter();
  }
  document.querySelectorAll("button.sort").forEach(function (button) {
    button.addEventListener("click", function () {
      var table = button.closest("table"), column = Number(button.dataset.column), head = button.closest("th");
      var down = head.getAttribute("aria-sort") !== (column < 0 ? "ascending" : "descending");
      table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", (column < 0) === down ? "ascending" : "descending");
      var value = function (row) {
        var text = row.cells[column + 1].textContent.replace("−", "-").replace("≤", "");
        return text === "" || isNaN(text) ? -Infinity : Number(text);
      };
      var rows = Array.prototype.slice.call(table.tBodies[0].rows);
      rows.sort(function (a, b) {
        if (column < 0) { return a.cells[0].textContent.localeCompare(b.cells[0].textContent) * (down ? 1 : -1); }
        var x = value(a), y = value(b);
        if (x === -Infinity || y === -Infinity) { return x === y ? 0 : x === -Infinity ? 1 : -1; }
        return (y - x) * (down ? 1 : -1);
      });
      rows.forEach(function (row) { table.tBodies[0].appendChild(row); });
    });
  });
})();
