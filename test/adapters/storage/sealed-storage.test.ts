import { describeObjectStorage } from '../../contracts/object-storage.contract.ts';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { makeTestKeys, openTestSealed } from '../../support/sealed-storage.ts';

describeObjectStorage('memory, encrypted', {
  open: async () => {
    const { storage, encryption } = openTestSealed(createMemoryStorage());
    encryption.adopt(await makeTestKeys());
    return storage;
  },
});
