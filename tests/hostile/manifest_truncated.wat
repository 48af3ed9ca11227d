;; verdict: refused at manifest MANIFEST_INVALID
;; time: 0.2 s
;; memory: 8 MiB
;; proves: half a manifest is none.
(module
  (memory (export "memory") 1)
  (@custom "edge.manifest" "{\"trigger\":{\"name\"")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
