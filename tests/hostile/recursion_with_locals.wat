;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 16 MiB
;; proves: frames of a thousand locals do not go round the guard of the stack.
(module
  (memory (export "memory") 1)
  (func $deep (result i32)
    ;; repeat 1000
    (local $l{n} i32)
    ;; end
    ;; repeat 1000
    (local.set $l{n} (i32.load (i32.const {n*4})))
    ;; end
    call $deep
    ;; repeat 1000
    (i32.add (local.get $l{n}))
    ;; end
  )
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    call $deep))
