import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checked, object } from '../../format/json-shape.ts';
import { prettyJson } from '../../format/pretty-json.ts';
import { isPlainId } from '../../format/store-layout.ts';
import { writeFileDurably } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';

/** Remembers which vault a folder is: the id its store's header must carry. */
export interface VaultIdentityFile {
  /** Null when the folder has no identity yet (or its file is damaged: the store's header can be adopted again). */
  load(): string | null;
  save(vaultId: string): void;
}

const shape = object({ vaultId: checked(isPlainId, 'a vault id') });

/** Opens `vault.json` in the private state. */
export function openVaultIdentity(directory: string): VaultIdentityFile {
  const path = join(directory, 'vault.json');
  return {
    load() {
      try {
        return shape(JSON.parse(readFileSync(path, 'utf8'))).vaultId;
      } catch (error) {
        const code = systemCode(error);
        if (code === 'ENOENT' || code === '') return null;
        throw mapFsError(error, `read the vault's identity in ${JSON.stringify(path)}`);
      }
    },
    save(vaultId) {
      try {
        writeFileDurably(path, Buffer.from(prettyJson({ format: 1, vaultId })));
      } catch (error) {
        throw mapFsError(error, `keep the vault's identity in ${JSON.stringify(path)}`);
      }
    },
  };
}
