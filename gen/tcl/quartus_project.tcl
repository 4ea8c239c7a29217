# SPDX-License-Identifier: MIT-0
# Makes a Quartus project of the circuit in the folder where it is called:
#
#   quartus_sh -t DIR/quartus/project.tcl FAMILY DEVICE
#
# as in "Cyclone V" 5CSEMA5F31C6; then quartus_sh --flow compile NAME. The ports are virtual pins.
package require ::quartus::project

set root [file dirname [file dirname [file normalize [info script]]]]
source [file join $root files.tcl]

if {[llength $argv] != 2} {
  error "which device? FAMILY DEVICE"
}

# NAME of the folder as the project's sees it, so that both can be moved together
proc relative {root name} {
  set from [file split [pwd]]
  set to [file split [file join $root $name]]
  while {[llength $from] && [lindex $from 0] eq [lindex $to 0]} {
    set from [lrange $from 1 end]
    set to [lrange $to 1 end]
  }
  return [file join {*}[lrepeat [llength $from] ..] {*}$to]
}

project_new -overwrite $circuit
set_global_assignment -name FAMILY [lindex $argv 0]
set_global_assignment -name DEVICE [lindex $argv 1]
set_global_assignment -name TOP_LEVEL_ENTITY $circuit
# Quartus doesn't define it by itself
set_global_assignment -name VERILOG_MACRO SYNTHESIS=1
foreach file $sources {
  set_global_assignment -name SYSTEMVERILOG_FILE [relative $root $file]
}
set_global_assignment -name SDC_FILE [relative $root $circuit.sdc]
if {[llength $memories] > 0} {
  set_parameter -name ROM_DIR [relative $root rom]
}
foreach port {aresetn s_axis_* m_axis_* frame_error} {
  set_instance_assignment -name VIRTUAL_PIN ON -to $port
}
project_close
