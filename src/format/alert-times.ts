import { type AlertKind, alertKinds } from '../model/alert.ts';
import type { AlertTimes } from '../ports/notifier.ts';
import { count, instant, list, object, oneOf } from './json-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum, hasRightSum } from './sum-json.ts';

interface SentAlert {
  readonly kind: AlertKind;
  readonly at: string;
  readonly heldBack: number;
}

export const alertTimesBytesMax = 64 * 1024;

export function encodeAlertTimes(times: AlertTimes): Uint8Array {
  const sent = alertKinds.flatMap((kind) => (times[kind] === undefined ? [] : [{ kind, ...times[kind] }]));
  return Buffer.from(addSum(prettyJson({ format: '1', sent })), 'utf8');
}

/** Nothing was sent, as far as a damaged file can tell. */
export function decodeAlertTimes(bytes: Uint8Array): AlertTimes {
  if (bytes.length > alertTimesBytesMax || !hasRightSum(bytes)) return {};
  try {
    const { sent } = shape(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return Object.fromEntries(sent.map(({ kind, at, heldBack }) => [kind, { at, heldBack }]));
  } catch {
    return {};
  }
}

const shape = object<{ format: '1'; sent: readonly SentAlert[] }>({
  format: oneOf(['1']),
  sent: list(object<SentAlert>({ kind: oneOf(alertKinds), at: instant, heldBack: count }), alertKinds.length),
});
