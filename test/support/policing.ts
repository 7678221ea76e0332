import { NoteSheet } from '../../src/admission/note-sheet';
import { REPAIRS, type RepairName } from '../../src/admission/repairs';
import { policySteps, type SenderPolicy } from '../../src/admission/sender-policy';
import { scanRequest } from '../../src/otlp/scan';
import { ALL_REPAIRS } from './admission';
import { convertJsonRequest } from './json-conversion';
import type { Encoding } from './judging';
import { type Fields, twins } from './otlp-twins';

/** A key that says nothing of its spans. */
const NO_POLICY: SenderPolicy = { name: 'web', browser: false, stamp: {} };

/** What becomes of a request under a policy, and which repairs are noted for its spans. */
export function police(bytes: Buffer, policy: Partial<SenderPolicy>, enabled = ALL_REPAIRS) {
  const request = scanRequest(bytes, { check: true });
  const repaired = new NoteSheet<RepairName>(REPAIRS, request.spans.length);
  const steps = policySteps({ request, policy: { ...NO_POLICY, ...policy }, enabled, repaired });
  for (;;) {
    const { done, value } = steps.next();
    if (done) return { bytes: value, notes: request.spans.map((_, position) => repaired.of(position)) };
  }
}

/** The protobuf that the door makes of a request in that encoding. */
export function atTheDoor(request: Fields, encoding: Encoding): Buffer {
  const [, { body }] = twins(request).find(([each]) => each === encoding)!;
  return encoding === 'json' ? convertJsonRequest(body, ALL_REPAIRS).bytes : body;
}
