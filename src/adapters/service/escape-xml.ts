import { HoldfastError } from '../../model/errors.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/**
 * Escapes text for XML.
 * @throws {HoldfastError} `path_invalid` for control characters, which XML cannot hold in any form
 */
export function escapeXml(text: string): string {
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text) || !text.isWellFormed()) {
    throw new HoldfastError('path_invalid', `${JSON.stringify(text)} cannot be written into the file of a service.`, {
      hint: 'Rename the folder so that its path holds no control characters.',
    });
  }
  // Line breaks would be read as spaces.
  return text
    .replaceAll(/[&<>"']/g, (char) => entities[char]!)
    .replaceAll(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}
