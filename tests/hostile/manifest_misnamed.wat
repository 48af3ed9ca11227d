;; verdict: refused at manifest MANIFEST_MISSING
;; time: 0.2 s
;; memory: 8 MiB
;; manifest: none
;; proves: a name that only looks like the manifest's is not its name.
(module
  (memory (export "memory") 1)
  (@custom "edge.manifest\e2\80\8b" "{}")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
