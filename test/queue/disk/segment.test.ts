import { parseSegmentName, Segment } from '../../../src/queue/disk/segment';

const MARK = '7b290823bbe871e6';

test('a segment’s name says its number, its mark and the version', () => {
  const segment = new Segment('/data/queue/main', 12, MARK);
  expect(segment.path).toBe(`/data/queue/main/000000000012-${MARK}.v1.log`);
  expect(segment.outcomesPath).toBe(`/data/queue/main/000000000012-${MARK}.v1.ack`);
  expect(segment.mark.toString('hex')).toBe(MARK);
  expect(parseSegmentName(`000000000012-${MARK}.v1.log`)).toEqual({ number: 12, mark: MARK });
  expect(parseSegmentName(`999999999999-${MARK}.v1.log`)).toEqual({ number: 999_999_999_999, mark: MARK });
});

test.each([
  ...['damaged', 'probe', '', `000000000012-${MARK}.v1.ack`, `12-${MARK}.v1.log`, `000000000012-${MARK}.log`],
  ...[`000000000012-${MARK}.v1.log~`, `x000000000012-${MARK}.v1.log`, `000000000012-${MARK}00.v1.log`],
  ...[`000000000012-${MARK.toUpperCase()}.v1.log`, `000000000012-${MARK}.v.log`, `000000000012-${MARK}.v1.LOG`],
])('%j is no segment’s name', (name) => {
  expect(parseSegmentName(name)).toBeUndefined();
});

test.each([0, 2, 3, 10])('version %d is not read', (version) => {
  const name = `000000000012-${MARK}.v${version}.log`;
  expect(() => parseSegmentName(name)).toThrow(
    `${name} has format version ${version}, and this gateway knows version 1 only`,
  );
});
