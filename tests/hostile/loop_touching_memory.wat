;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 16 MiB
;; proves: touching all the memory one may have, byte by byte, costs no more than that memory.
(module
  (memory (export "memory") 1)
  (global $at (mut i32) (i32.const 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (drop (memory.grow (i32.const 63)))
    (loop $again
      (i32.store8 (global.get $at) (i32.const 1))
      (global.set $at (i32.and (i32.add (global.get $at) (i32.const 4096)) (i32.const 0x3fffff)))
      br $again)
    unreachable))
