import { element, make } from './elements.js';

/** Numbers are put to the right. */
export type Row = readonly (string | number)[];

/** Puts a table into the element with that id, or the text `none`. What is the same already is left alone. */
export function showTable(id: string, heads: readonly string[], rows: readonly Row[], none: string): void {
  const place = element(id, HTMLElement);
  fill(place, heads, rows, none);
  // Who scrolls by keyboard can get at it: what is in it now, and where, which a page that opens or narrows changes.
  place.tabIndex = place.scrollHeight > place.clientHeight || place.scrollWidth > place.clientWidth ? 0 : -1;
}

function fill(place: HTMLElement, heads: readonly string[], rows: readonly Row[], none: string): void {
  const written = JSON.stringify(rows);
  if (place.dataset['written'] === written) return;
  place.dataset['written'] = written;
  if (rows.length === 0) {
    place.replaceChildren(make('p', none, 'soft'));
    return;
  }
  const isNumber = heads.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  const table = make('table');
  const head = table.createTHead().insertRow();
  heads.forEach((text, column) => {
    const cell = make('th', text, isNumber[column] === true ? 'number' : '');
    cell.scope = 'col';
    head.append(cell);
  });
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((value, column) => {
      const text = typeof value === 'number' ? value.toLocaleString('en') : value;
      line.append(make('td', text, isNumber[column] === true ? 'number' : ''));
    });
  }
  place.replaceChildren(table);
}
