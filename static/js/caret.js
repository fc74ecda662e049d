// Rows that the server draws again replace the field somebody types in: what they type next must land in the new one.

// A function that takes the caret back to the text field it is in now, if that lies within the rows; otherwise null.
export function holding(rows) {
  const field = document.activeElement;
  if (!field?.id || !rows.contains(field) || !field.matches("input")) return null;
  const { id, selectionStart, selectionEnd } = field;
  return () => {
    const input = document.getElementById(id);
    input?.focus();
    // Fields that hold no text (a date) have no selection.
    if (selectionStart !== null) input?.setSelectionRange(selectionStart, selectionEnd);
  };
}
