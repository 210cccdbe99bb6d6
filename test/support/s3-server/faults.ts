/** What goes wrong with one request. Where nothing else is said, the operation is carried out. */
export type FaultAction =
  /** Answers this instead of carrying it out. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Cuts the connection before or after carrying it out. */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  /** Ends the body after `bytes`: by a reset, by closing in order, or with lengths that fit the shorter body. */
  | { readonly kind: 'truncate'; readonly bytes: number; readonly how: 'reset' | 'fin' | 'consistent' }
  /** Changes one byte of the body. */
  | { readonly kind: 'flip'; readonly at: number }
  /** Falls silent: without an answer, or after this many bytes of the body. */
  | { readonly kind: 'stall'; readonly afterBytes?: number }
  /** Says 200 with an error document. */
  | { readonly kind: 'error_in_200'; readonly code: string }
  /** Says yes to a put and stores nothing, or only the beginning. */
  | { readonly kind: 'lose_put'; readonly keepBytes?: number }
  /** A listing that does not know the newest objects yet. */
  | { readonly kind: 'stale_list'; readonly hideCount: number }
  /** A listing that is always truncated. */
  | { readonly kind: 'truncated_list'; readonly token: 'none' | 'same' | 'new' }
  /** Leaves these headers out of the answer. */
  | { readonly kind: 'hide_headers'; readonly names: readonly string[] };

export interface Fault {
  /** Name of the S3 operation: "PutObject"; any when absent. */
  readonly operation?: string;
  /** What the key ends with; any when absent. */
  readonly key?: string;
  /** Only from the n-th matching request on, counted from 1. */
  readonly from?: number;
  /** How many times it happens; once when absent. */
  readonly times?: number;
  readonly action: FaultAction;
}

/** The faults to come. */
export interface FaultPlan {
  add(...faults: Fault[]): void;
  /** The fault of this request, if any; counts it. */
  take(request: { operation: string; key: string }): FaultAction | null;
  clear(): void;
}

export function createFaultPlan(): FaultPlan {
  let planned: { fault: Fault; seen: number; done: number }[] = [];
  return {
    add(...faults) {
      planned.push(...faults.map((fault) => ({ fault, seen: 0, done: 0 })));
    },
    take({ operation, key }) {
      for (const entry of planned) {
        const { fault } = entry;
        if (fault.operation !== undefined && fault.operation !== operation) continue;
        if (fault.key !== undefined && !key.endsWith(fault.key)) continue;
        entry.seen++;
        if (entry.seen < (fault.from ?? 1) || entry.done >= (fault.times ?? 1)) continue;
        entry.done++;
        return fault.action;
      }
      return null;
    },
    clear() {
      planned = [];
    },
  };
}
