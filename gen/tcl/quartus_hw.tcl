# SPDX-License-Identifier: MIT-0
# Platform Designer component of the circuit: its streams, clock, reset, and
# frame_error as a conduit. Add this folder to the IP search path.
package require -exact qsys 16.1

set root [file dirname [get_module_property MODULE_DIRECTORY]]
source [file join $root files.tcl]

set_module_property NAME $circuit
set_module_property VERSION [join [lrange [split $version .] 0 1] .]
set_module_property DISPLAY_NAME $circuit
set_module_property DESCRIPTION "Neural network, AXI4-Stream in and out"
set_module_property GROUP "Neural networks"
set_module_property INTERNAL false
set_module_property EDITABLE false
set_module_property INSTANTIATE_IN_SYSTEM_MODULE true

foreach kind {QUARTUS_SYNTH SIM_VERILOG} {
  add_fileset $kind $kind "" ""
  set_fileset_property $kind TOP_LEVEL $circuit
  foreach file $sources {
    add_fileset_file $file SYSTEM_VERILOG PATH [file join $root $file]
  }
}

# The tools run in folders of their own: an absolute path, found anew whenever a system is opened.
if {[llength $memories] > 0} {
  add_parameter ROM_DIR STRING [file join $root rom]
  set_parameter_property ROM_DIR DISPLAY_NAME "Folder of the memory images"
  set_parameter_property ROM_DIR HDL_PARAMETER true
  set_parameter_property ROM_DIR DERIVED true
  set_module_property VALIDATION_CALLBACK find_images
}
proc find_images {} {
  set root [file dirname [get_module_property MODULE_DIRECTORY]]
  set_parameter_value ROM_DIR [file join $root rom]
}

add_interface clock clock end
set_interface_property clock clockRate 0
add_interface_port clock aclk clk Input 1

add_interface reset reset end
set_interface_property reset associatedClock clock
set_interface_property reset synchronousEdges BOTH
add_interface_port reset aresetn reset_n Input 1

proc add_stream {name bits direction} {
  set against [expr {$direction eq "Input" ? "Output" : "Input"}]
  add_interface $name axi4stream [expr {$direction eq "Input" ? "end" : "start"}]
  set_interface_property $name associatedClock clock
  set_interface_property $name associatedReset reset
  add_interface_port $name ${name}_tdata tdata $direction $bits
  add_interface_port $name ${name}_tvalid tvalid $direction 1
  add_interface_port $name ${name}_tready tready $against 1
  add_interface_port $name ${name}_tlast tlast $direction 1
}
dict for {name bits} $inputs { add_stream $name $bits Input }
dict for {name bits} $outputs { add_stream $name $bits Output }

add_interface frame_error conduit end
set_interface_property frame_error associatedClock clock
set_interface_property frame_error associatedReset reset
add_interface_port frame_error frame_error frame_error Output 1
