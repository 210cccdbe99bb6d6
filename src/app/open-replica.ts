import { hash } from 'node:crypto';
import { join } from 'node:path';
import { openStorage } from '../adapters/storage/open-storage.ts';
import { systemClock, systemRandom } from '../adapters/system/system-clock.ts';
import { formatStoreUrl, parseStoreUrl, type StoreUrl } from '../format/store-url.ts';
import { HoldfastError } from '../model/errors.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { ObjectStorage } from '../ports/object-storage.ts';
import type { Config } from './config.ts';
import { isWithin, realPathOfFuture } from './real-path.ts';

/** Opens a replica as it lies there; a folder is made when it is missing and `create` is set. Makes no request. */
export async function openReplica(
  config: Config,
  url: string,
  options: { readonly events: EventSink; readonly create: boolean },
): Promise<ObjectStorage> {
  const place = replicaPlace(config, url);
  return openStorage(place, {
    clock: systemClock,
    random: systemRandom,
    create: options.create,
    insecure: config.insecure,
    capabilitiesFile: join(config.dataRoot, 'replicas', `${hash('sha256', place).slice(0, 16)}.json`),
    onRetry: (retry) => options.events.emit({ type: 'request_retried', ...retry }),
  });
}

/**
 * The replica's address as everything else spells it.
 * @throws {HoldfastError} `store_url_invalid`; `replica_is_store` when it is the store itself (G08), or one lies in the other
 */
export function replicaPlace(config: Config, url: string): string {
  const replica = parseStoreUrl(url, { insecure: config.insecure });
  const place = formatStoreUrl(replica);
  if (!isSamePlace(replica, config.store)) return place;
  throw new HoldfastError('replica_is_store', `The replica ${place} is the store itself, not a second copy.`, {
    hint: 'Choose another bucket, another provider, or a folder on another disk.',
  });
}

/**
 * Parameters say how to get there, not where it is: one bucket and prefix of one server is one place, and so is a folder by
 * whatever links it is reached. A folder within the other is lost with it.
 */
function isSamePlace(a: StoreUrl, b: StoreUrl): boolean {
  if (a.kind === 's3' && b.kind === 's3') {
    return a.bucket === b.bucket && a.prefix === b.prefix && serverOf(a.endpoint) === serverOf(b.endpoint);
  }
  if (a.kind !== 'directory' || b.kind !== 'directory') return false;
  const [folder, other] = [realPathOfFuture(a.path), realPathOfFuture(b.path)];
  return isWithin(folder, other) || isWithin(other, folder);
}

/** Amazon's own endpoints, spelled out or not, lead to the same buckets. */
function serverOf(endpoint: string | null): string {
  return endpoint === null || new URL(endpoint).hostname.endsWith('.amazonaws.com') ? 'amazon' : endpoint;
}
