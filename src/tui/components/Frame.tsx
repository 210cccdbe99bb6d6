import { Box, Text, useIsScreenReaderEnabled } from 'ink';
import { memo, type ReactElement } from 'react';
import { type Line, paintLine, plainLine } from '../line.ts';
import type { Palette } from '../palette.ts';

export interface FrameProps {
  readonly lines: readonly Line[];
  readonly columns: number;
  readonly palette: Palette;
}

/** Lines on the screen. A line that did not change is not drawn again. A screen reader gets words without ornaments. */
export function Frame({ lines, columns, palette }: FrameProps): ReactElement {
  const isRead = useIsScreenReaderEnabled();
  return (
    <Box flexDirection="column" width={columns}>
      {lines.map((line, i) =>
        isRead ? <Spoken key={i} line={line} /> : <Row key={i} text={paintLine(line, columns, palette)} />,
      )}
    </Box>
  );
}

const Row = memo(function Row({ text }: { readonly text: string }): ReactElement {
  return <Text wrap="truncate">{text === '' ? ' ' : text}</Text>;
});

const ornaments = /[─│▁▂▃▄▅▆▇█░·▏]+/g;

function Spoken({ line }: { readonly line: Line }): ReactElement | null {
  const text = plainLine(line).replaceAll(ornaments, ' ').replaceAll(/ {2,}/g, ' ').trim();
  return text === '' ? null : <Text>{line.isSelected === true ? `marked: ${text}` : text}</Text>;
}
