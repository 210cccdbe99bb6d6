import type { HoldfastEvent } from '../model/events.ts';

/** Where the engine tells what happens. Must not throw and must not block. */
export interface EventSink {
  emit(event: HoldfastEvent): void;
}
