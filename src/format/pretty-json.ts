// Characters JSON may hold raw but a terminal or an editor would act on or hide: DEL, C1, separators, direction marks.
const unsafeInTerminals = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Writes JSON for people and line-oriented tools: an object without lists on one line, every element of a list on a
 * line of its own, two spaces a level, a final newline. Keys keep their order. Text that `cat` could not show
 * safely is escaped.
 */
export function prettyJson(value: Readonly<Record<string, unknown>>): string {
  return `${safe(expandedObject(value, ''))}\n`;
}

/** One line of JSON, safe to show on a terminal. */
export function lineJson(value: unknown): string {
  return safe(JSON.stringify(value));
}

function safe(json: string): string {
  // Such characters occur only inside strings, where an escape means the same.
  return json.replaceAll(unsafeInTerminals, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function print(value: unknown, indent: string): string {
  if (Array.isArray(value)) return printList(value, indent);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Object.values(value).some((field) => Array.isArray(field) && field.length > 0)) {
    return expandedObject(value, indent);
  }
  const fields = definedFields(value).map(([key, field]) => `${JSON.stringify(key)}: ${print(field, indent)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function expandedObject(value: object, indent: string): string {
  const inner = `${indent}  `;
  const fields = definedFields(value).map(([key, field]) => `${inner}${JSON.stringify(key)}: ${print(field, inner)}`);
  return `{\n${fields.join(',\n')}\n${indent}}`;
}

function printList(items: readonly unknown[], indent: string): string {
  if (items.length === 0) return '[]';
  const inner = `${indent}  `;
  return `[\n${items.map((item) => inner + print(item, inner)).join(',\n')}\n${indent}]`;
}

function definedFields(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, field]) => field !== undefined);
}
