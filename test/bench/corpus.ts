import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const words = (
  'the of and a to in is was he for it with as his on be at by had not are but from or have an they which one you were her all she there would their we him been has when ' +
  'who will more no if out so said what up its about into than them can only other new some could time these two may then do first any my now such like our over man me even ' +
  'note vault snapshot store label restore diff commit branch merge plan idea draft review meeting project deadline reference summary question answer example chapter section'
).split(' ');

/** A small fast generator (mulberry32): one seed gives one vault, everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Writes a vault of Markdown-like files of about 4 KB: 10 files a folder, three levels. The same seed and count give the
 * same bytes. Reused when it is there already (a marker file beside it says it is whole).
 */
export function textVault(folder: string, options: { files: number; seed: number }): string {
  const marker = `${folder}.whole`;
  if (existsSync(marker)) return folder;
  const random = seededRandom(options.seed);
  const paragraph = makeParagraphs(random);
  for (let file = 0; file < options.files; file++) {
    const leaf = Math.floor(file / 10);
    const path = join(
      folder,
      `area-${leaf % 20}`,
      `topic-${Math.floor(leaf / 20) % 50}`,
      `folder-${Math.floor(leaf / 1000)}`,
    );
    if (file % 10 === 0) mkdirSync(path, { recursive: true });
    writeFileSync(join(path, `note-${file}.md`), noteText(file, random, paragraph));
  }
  writeFileSync(marker, '');
  return folder;
}

/** Text of one note: 1 to about 11 KB, 4 KB at the mean. */
export function noteText(file: number, random: () => number, paragraph: () => string): string {
  const target = 200 + Math.floor(Math.exp(random() * 2.6) * 770);
  let text = `# Note ${file}\n\ncreated: ${Math.floor(random() * 1e9)}\n\n`;
  while (text.length < target) text += `${paragraph()}\n\n`;
  return text;
}

/** Sentences drawn word by word: compresses about as well as real notes do. */
export function makeParagraphs(random: () => number): () => string {
  return () => {
    const count = 20 + Math.floor(random() * 80);
    const chosen: string[] = [];
    for (let i = 0; i < count; i++) {
      const word = words[Math.floor(random() ** 2 * words.length)]!;
      chosen.push(random() < 0.06 ? `${word}${Math.floor(random() * 1e6).toString(36)}` : word);
    }
    return `${chosen.join(' ')}.`;
  };
}

/** Writes large files that do not compress; synced, so that timing starts from a settled disk. */
export function incompressibleVault(folder: string, options: { sizesMiB: readonly number[]; seed: number }): string {
  const marker = `${folder}.whole`;
  if (existsSync(marker)) return folder;
  mkdirSync(folder, { recursive: true });
  const random = seededRandom(options.seed);
  const block = new Uint32Array(262_144);
  for (const [number, sizeMiB] of options.sizesMiB.entries()) {
    const fd = openSync(join(folder, `media-${number}.bin`), 'w');
    for (let written = 0; written < sizeMiB; written++) {
      for (let i = 0; i < block.length; i++) block[i] = random() * 2 ** 32;
      writeSync(fd, new Uint8Array(block.buffer));
    }
    fsyncSync(fd);
    closeSync(fd);
  }
  writeFileSync(marker, '');
  return folder;
}
