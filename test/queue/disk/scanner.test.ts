import { HEADER_BYTES } from '../../../src/queue/disk/record';
import { Scanner } from '../../../src/queue/disk/scanner';
import { Window } from '../../../src/queue/disk/window';
import { recordByHand } from './by-hand';
import { TestDisk } from './test-disk';

const MARK = '7b290823bbe871e6';
const mark = Buffer.from(MARK, 'hex');

/** A row of records of these bytes, and where each begins; the end of the row comes last. */
function row(...all: (string | Buffer)[]): { bytes: Buffer; at: number[] } {
  const at = [0];
  let bytes = Buffer.alloc(0);
  for (const [ordinal, text] of all.entries()) {
    const rest = { ordinal, items: 1, offeredAtMs: 1, bytes: Buffer.from(text) };
    bytes = Buffer.concat([bytes, recordByHand(MARK, { offset: bytes.length, ...rest })]);
    at.push(bytes.length);
  }
  return { bytes, at };
}

/** All that is found: records by their ordinal, whole or spoilt, and what is not one by its stretch. */
async function scan(bytes: Buffer): Promise<string[]> {
  const disk = new TestDisk();
  await disk.memory.makeDirectory('/data');
  await disk.put('/data/log', bytes);
  const size = () => bytes.length;
  const scanner = new Scanner(new Window(await disk.memory.open('/data/log', 'read'), size), mark, size);
  const list: string[] = [];
  for (let offset = 0; ; ) {
    const found = await scanner.next(offset);
    if (found === undefined) return list;
    if (found.kind !== 'record') list.push(`${found.kind} ${found.start}-${found.end}`);
    else list.push(`${(await scanner.isWhole(found.header)) ? 'whole' : 'spoilt'} ${found.header.ordinal}`);
    if (found.end <= offset) throw new Error('the scanner does not get on');
    offset = found.end;
  }
}

const changed = (bytes: Buffer, at: number, by: Buffer = Buffer.from([bytes[at]! ^ 1])) => {
  const copy = Buffer.from(bytes);
  by.copy(copy, at);
  return copy;
};

const three = row('first', 'second', 'third');
const [first = 0, second = 0, third = 0, end = 0] = three.at;

test('finds all records of a whole segment, and none in an empty one', async () => {
  expect(await scan(three.bytes)).toEqual(['whole 0', 'whole 1', 'whole 2']);
  expect(await scan(Buffer.alloc(0))).toEqual([]);
  expect(await scan(row('', '', '').bytes)).toEqual(['whole 0', 'whole 1', 'whole 2']);
});

describe('damage', () => {
  test.each([0, 7, 8, 11, 12, 16, 19, 20, 24, 28, 35])('in byte %d of a header costs that record', async (byte) => {
    const found = await scan(changed(three.bytes, second + byte));
    expect(found).toEqual(['whole 0', `damage ${second}-${third}`, 'whole 2']);
  });

  test('in the bytes costs that record, and its header is still known', async () => {
    for (const at of [second + HEADER_BYTES, third - 1])
      expect(await scan(changed(three.bytes, at))).toEqual(['whole 0', 'spoilt 1', 'whole 2']);
  });

  test('of the first header', async () => {
    expect(await scan(changed(three.bytes, first))).toEqual([`damage 0-${second}`, 'whole 1', 'whole 2']);
  });

  test('of two neighbours is one stretch when their headers are gone', async () => {
    const both = changed(changed(three.bytes, first + 9), second + 9);
    expect(await scan(both)).toEqual([`damage 0-${third}`, 'whole 2']);
  });

  test('across the border of two records', async () => {
    const across = changed(three.bytes, second - 3, Buffer.alloc(10, 0xff));
    expect(await scan(across)).toEqual(['spoilt 0', `damage ${second}-${third}`, 'whole 2']);
  });

  test('at the very end is damage, for a whole record was there', async () => {
    expect(await scan(changed(three.bytes, third + 9))).toEqual(['whole 0', 'whole 1', `damage ${third}-${end}`]);
    expect(await scan(changed(three.bytes, end - 1))).toEqual(['whole 0', 'whole 1', 'spoilt 2']);
  });

  test('behind the last record', async () => {
    const bytes = Buffer.concat([three.bytes, Buffer.from('what is this?')]);
    expect(await scan(bytes)).toEqual(['whole 0', 'whole 1', 'whole 2', `damage ${end}-${bytes.length}`]);
  });

  test.each([1, 35, 36, 4096, 300_000])('of %d zeros at the end is a file that had grown', async (zeros) => {
    const bytes = Buffer.concat([three.bytes, Buffer.alloc(zeros)]);
    expect(await scan(bytes)).toEqual(['whole 0', 'whole 1', 'whole 2', `torn ${end}-${bytes.length}`]);
  });

  test('of zeros in the middle is damage', async () => {
    expect(await scan(changed(three.bytes, second, Buffer.alloc(third - second)))).toEqual([
      'whole 0',
      `damage ${second}-${third}`,
      'whole 2',
    ]);
  });

  test('of more than is looked at in one turn', async () => {
    const step = 128 * 1024;
    // The next record's mark begins at each place around the border of a step.
    for (let less = 25; less <= 50; less++) {
      const { bytes, at } = row('x'.repeat(step - less), 'behind');
      expect(await scan(changed(bytes, 0))).toEqual([`damage 0-${at[1]}`, 'whole 1']);
    }
    const large = row(Buffer.alloc(700_000, mark), 'behind');
    expect(await scan(large.bytes)).toEqual(['whole 0', 'whole 1']);
    expect(await scan(changed(large.bytes, 699_000))).toEqual(['spoilt 0', 'whole 1']);
  });
});

describe('a record that was not written to its end', () => {
  test.each([...Array(HEADER_BYTES - 1).keys()].map((at) => at + 1))(
    'is torn after %d bytes of its header',
    async (length) => {
      const bytes = three.bytes.subarray(0, third + length);
      expect(await scan(bytes)).toEqual(['whole 0', 'whole 1', `torn ${third}-${third + length}`]);
    },
  );

  test.each([0, 1, 4])('is torn after its header and %d bytes', async (length) => {
    const size = third + HEADER_BYTES + length;
    expect(await scan(three.bytes.subarray(0, size))).toEqual(['whole 0', 'whole 1', `torn ${third}-${size}`]);
  });

  test('is torn when it is the first', async () => {
    expect(await scan(three.bytes.subarray(0, 5))).toEqual(['torn 0-5']);
  });
});

describe('what looks like a record', () => {
  test('inside of the bytes of one whose header is gone is none', async () => {
    // A sender who had read the disk: whole records of the same segment, from wherever they lay.
    const copies = Buffer.concat([three.bytes, three.bytes.subarray(second), mark, mark]);
    const { bytes, at } = row('before', copies, 'behind');
    const found = await scan(changed(bytes, at[1]! + 8));
    expect(found).toEqual(['whole 0', `damage ${at[1]}-${at[2]}`, 'whole 2']);
  });

  test('at another offset is none', async () => {
    const record = three.bytes.subarray(second, third);
    const moved = Buffer.concat([three.bytes, record]);
    expect(await scan(moved)).toEqual(['whole 0', 'whole 1', 'whole 2', `damage ${end}-${moved.length}`]);
    const swapped = Buffer.concat([record, three.bytes.subarray(0, second), three.bytes.subarray(third)]);
    expect(await scan(swapped)).toEqual([`damage 0-${third}`, 'whole 2']);
  });

  test('with the mark of another segment is none', async () => {
    const other = recordByHand('7b290823bbe871e7', {
      ...{ offset: end, ordinal: 3, items: 1, offeredAtMs: 1 },
      bytes: Buffer.from('other'),
    });
    const bytes = Buffer.concat([three.bytes, other]);
    expect(await scan(bytes)).toEqual(['whole 0', 'whole 1', 'whole 2', `damage ${end}-${bytes.length}`]);
  });
});
