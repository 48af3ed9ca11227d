;; verdict: refused at manifest MANIFEST_INVALID
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a manifest nested beyond any reader's stack is refused and nothing more.
(module
  (memory (export "memory") 1)
  (@custom "edge.manifest" 
  ;; repeat 100000
  "[" 
  ;; end
  )
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
