import type { Alert, AlertKind } from '../model/alert.ts';

/** An alert with where it comes from, as it travels. */
export interface AlertMessage extends Alert {
  readonly vault: string;
  readonly machine: string;
  /** ISO time. */
  readonly at: string;
}

export type AlertChannel = 'desktop' | 'webhook' | 'command' | 'heartbeat' | 'onAlert';

/** What became of one message on one channel. `detail` is a clause for people: no address, no secret. */
export interface Delivery {
  readonly channel: AlertChannel;
  readonly outcome: 'delivered' | 'failed' | 'untrusted' | 'unavailable';
  readonly detail: string;
}

/** Tells the person. Never throws, never waits longer than half a minute a channel: what happened is the answer. */
export interface Notifier {
  /** Sends on every channel the settings name, except the heartbeat. */
  send(message: AlertMessage, options?: { signal?: AbortSignal | undefined }): Promise<readonly Delivery[]>;
  /** Calls the heartbeat address: all is well. Null when the settings name none. */
  beat(options?: { signal?: AbortSignal | undefined }): Promise<Delivery | null>;
}

/** When each kind was last sent, and how many were held back since. */
export type AlertTimes = Readonly<Partial<Record<AlertKind, { readonly at: string; readonly heldBack: number }>>>;

/** Remembers across restarts what was sent, so that a watcher that dies again and again does not cry again and again. */
export interface AlertMemory {
  load(): Promise<AlertTimes>;
  save(times: AlertTimes): Promise<void>;
}
