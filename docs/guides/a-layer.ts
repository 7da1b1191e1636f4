// A layer wraps the one function that runs operations. This one refuses writes while the service is read-only, as during
// a migration. It answers some calls itself and passes on the others; a layer may also wait, repeat, time or change them.
import { DatabaseErrorOf, isWrite, type Layer, seen } from "@db/core";

export function readOnlyGate(isReadOnly: () => boolean): Layer {
  return (next) =>
    // A name makes the layer readable in a stack.
    function readOnlyGateLayer(operation, context) {
      if (!isReadOnly() || !isWrite(seen(operation))) return next(operation, context);
      // Nothing was sent, so the effect is `none`: the default.
      return Promise.reject(new DatabaseErrorOf("PERMISSION_DENIED", "the service is read-only for now", {}));
    };
}
