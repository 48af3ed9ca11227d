;; verdict: refused at structure MODULE_MALFORMED
;; time: 0.2 s
;; memory: 8 MiB
;; proves: two manifests are not read as either: the operator could approve one, the edge believe the other.
(module
  (memory (export "memory") 1)
  (@custom "edge.manifest" "{}")
  (@custom "edge.manifest" (before first) "{}")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
