/** The topics of `holdfast help`, in the order they are named: apart from their texts, which completion must not load. */
export const topicNames = [
  'environment',
  'exit-codes',
  'settings',
  'when',
  'schedule',
  'encryption',
  'recovery',
  'restoring-without-holdfast',
] as const;

export type TopicName = (typeof topicNames)[number];
