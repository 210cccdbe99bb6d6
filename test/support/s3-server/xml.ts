export type XmlValue = string | number | boolean | undefined | XmlElement[];

/** One element: its name and what it holds. Undefined content leaves it out. */
export type XmlElement = readonly [name: string, content: XmlValue];

/** A whole document in S3's name space. */
export function xmlDocument(name: string, children: XmlElement[]): Buffer {
  const open = `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`;
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${open}${render(children)}</${name}>`);
}

/** S3's error document; it has no name space. */
export function xmlError(code: string, extra: XmlElement[] = []): Buffer {
  const children: XmlElement[] = [['Code', code], ['Message', `${code}, said the test server`], ...extra];
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error>${render(children)}</Error>`);
}

/** Text of every element of this name, in order. Enough for the few documents clients send. */
export function xmlTexts(document: string, name: string): string[] {
  const pattern = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g');
  return [...document.matchAll(pattern)].map((match) => unescape(match[1]!));
}

function render(children: readonly XmlElement[]): string {
  return children
    .map(([name, content]) => {
      if (content === undefined) return '';
      return `<${name}>${Array.isArray(content) ? render(content) : escape(String(content))}</${name}>`;
    })
    .join('');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function unescape(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
