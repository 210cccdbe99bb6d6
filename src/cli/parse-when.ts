import { parseWhen, whenOfTime, type When, type WhenOptions } from '../model/when.ts';

// Loading the natural-language parser costs more than most commands; a text without any of these words is no time.
const timeWords =
  /\b(?:now|ago|last|past|previous|yesterday|today|tonight|this|noon|midday|midnight|morning|afternoon|evening|night|half|(?:\d{1,2}(?::\d\d)? ?[ap]\.?m)|\d{1,2}:\d\d|seconds?|minutes?|hours?|days?|weeks?|months?|years?|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b|^\d{1,2}[./]\d{1,2}[./]\d{2,4}/i;

/**
 * Reads a point in time the way people write it: the strict forms first, then natural language ("last friday at noon").
 * The whole text must make sense as a time; otherwise `time` is null.
 * @throws {HoldfastError} `when_invalid` for times that do not exist or lie in the future
 */
export async function parseWhenText(raw: string, options: WhenOptions): Promise<When> {
  const strict = parseWhen(raw, options);
  if (strict.time !== null || strict.latestMinus !== null || !timeWords.test(raw)) return strict;
  const { casual } = await import('chrono-node');
  const text = raw.trim();
  const results = casual.parse(text, options.now, { forwardDate: false });
  const [result] = results;
  if (results.length !== 1 || result === undefined || result.text.length !== text.length || result.end) return strict;
  return whenOfTime(raw, result.start.date(), options);
}
